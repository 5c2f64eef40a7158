-- The courier has English templates of its own for authfort's messages; rows
-- here replace them.  There is no foreign key to this table, so the unique
-- index is a partial one as elsewhere.
CREATE TABLE authfort.message_templates (
	id uuid PRIMARY KEY DEFAULT authfort.uuid_v7(),
	kind text COLLATE "C" NOT NULL,
	locale text COLLATE "C" NOT NULL DEFAULT '',
	subject text NOT NULL,
	text text NOT NULL,
	html text
);
COMMENT ON TABLE authfort.message_templates IS 'Texts of messages, which replace those of authfort-courier';
COMMENT ON COLUMN authfort.message_templates.kind IS 'The kind of message, as in authfort.outbox';
COMMENT ON COLUMN authfort.message_templates.locale IS 'For users with this locale, or one of the same language if it is only a language; empty: for all others';
COMMENT ON COLUMN authfort.message_templates.subject IS 'Template of the subject, one line';
COMMENT ON COLUMN authfort.message_templates.text IS 'Template of the plain text';
COMMENT ON COLUMN authfort.message_templates.html IS 'Template of the HTML; NULL: made from the plain text';

CREATE UNIQUE INDEX message_templates_kind_locale ON authfort.message_templates (kind, locale) WHERE kind IS NOT NULL;

SELECT pg_catalog.pg_extension_config_dump('authfort.message_templates', '');

CREATE FUNCTION authfort_internal.check_message_template() RETURNS trigger
	LANGUAGE c SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_check_message_template';
COMMENT ON FUNCTION authfort_internal.check_message_template() IS 'Trigger function: refuses a template that could not be rendered.';

CREATE TRIGGER check_message_template BEFORE INSERT OR UPDATE ON authfort.message_templates
	FOR EACH ROW EXECUTE FUNCTION authfort_internal.check_message_template();
ALTER TABLE authfort.message_templates ENABLE ALWAYS TRIGGER check_message_template;

CREATE FUNCTION authfort.message_template(kind text, locale text DEFAULT NULL)
	RETURNS TABLE (subject text, text text, html text)
	ROWS 1 LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT t.subject, t.text, t.html FROM authfort.message_templates t
	WHERE t.kind OPERATOR(pg_catalog.=) $1
		AND (t.locale OPERATOR(pg_catalog.=) '' OR pg_catalog.starts_with(
			pg_catalog.lower(pg_catalog.replace($2, '_', '-')) OPERATOR(pg_catalog.||) '-',
			pg_catalog.lower(t.locale) OPERATOR(pg_catalog.||) '-'))
	ORDER BY pg_catalog.length(t.locale) DESC LIMIT 1
$$;
COMMENT ON FUNCTION authfort.message_template(text, text) IS 'Returns the template of authfort.message_templates that fits a locale best.';
