/*
 * no_gettext.c
 *		Preloaded beside AddressSanitizer, under which the server's first call of
 *		the C library's own bindtextdomain() waits forever.
 */
char *bindtextdomain(const char *domain, const char *folder);
char *textdomain(const char *domain);
char *gettext(const char *text);
char *dgettext(const char *domain, const char *text);

char *
bindtextdomain(const char *domain, const char *folder)
{
	(void) domain;
	return (char *) folder;
}

char *
textdomain(const char *domain)
{
	return (char *) domain;
}

char *
gettext(const char *text)
{
	return (char *) text;
}

char *
dgettext(const char *domain, const char *text)
{
	(void) domain;
	return (char *) text;
}
