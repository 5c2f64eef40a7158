-- What people type, in whatever form: one account for one address, and nothing that cannot be seen.
SET client_encoding = 'UTF8';
\pset null '(null)'
CREATE FUNCTION pg_temp.made(email text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE detail text;
	BEGIN RETURN authfort.create_user(email)->>'email';
	EXCEPTION WHEN OTHERS THEN GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL; RETURN detail;
	END $$;
CREATE FUNCTION pg_temp.named(name text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE detail text;
	BEGIN RETURN coalesce('"' || (authfort.create_user('n' || md5(random()::text) || '@example.com',
	name => name)->>'name') || '"', 'no name');
	EXCEPTION WHEN OTHERS THEN GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL; RETURN detail;
	END $$;
CREATE FUNCTION pg_temp.role(role text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE detail text;
	BEGIN RETURN authfort.create_user('r' || md5(random()::text) || '@example.com', roles => ARRAY[role])->>'roles';
	EXCEPTION WHEN OTHERS THEN RETURN sqlstate || ' ' || sqlerrm;
	END $$;
CREATE TEMP TABLE characters (what text, c text);
INSERT INTO characters VALUES
	('zero width space', E'\u200B'), ('joiner', E'\u200D'), ('non-joiner', E'\u200C'), ('right-to-left override',
	E'\u202E'),
	('left-to-right mark', E'\u200E'), ('isolate', E'\u2066'), ('no-break space', E'\u00A0'), ('em space', E'\u2003'),
	('line separator', E'\u2028'), ('byte order mark', E'\uFEFF'), ('soft hyphen', E'\u00AD'), ('grapheme joiner',
	E'\u034F'),
	('hangul filler', E'\u3164'), ('half-width filler', E'\uFFA0'), ('variation selector', E'\uFE0F'),
	('another selector', E'\U000E0101'),
	('tag', E'\U000E0061'), ('blank of braille', E'\u2800'), ('object replacement', E'\uFFFC'), ('control',
	E'\u0085'), ('tab', E'\t'),
	('private use', E'\uE000'), ('private plane', E'\U000F0000'), ('unassigned', E'\u0378'), ('noncharacter',
	E'\uFFFF'), ('last of all', E'\U0010FFFF');

-- an address is one whatever the form and the case
SELECT pg_temp.made(email) FROM unnest(ARRAY[E'Jos\u00E9@example.com', E'jose\u0301@EXAMPLE.com',
	E'JOSE\u0301@example.com', E'stra\u00DFe@example.com', 'STRASSE@example.com',
	E'\u03A3\u03AF\u03C3\u03C5\u03C6\u03BF\u03C2@example.com',
	E'\u03A3\u038A\u03A3\u03A5\u03A6\u039F\u03A3@example.com', E'\u212Aim@example.com', 'kim@example.com',
	E'\u1EC7@example.com', E'e\u0323\u0302@example.com', E'e\u0302\u0323@example.com', E'a@m\u00FCller.example',
	E'a@mu\u0308ller.example', 'a@XN--MLLER-KVA.example']) email;
SELECT authfort.signup(E'jose\u0301@example.com', 'correct horse')->>'error';
-- what differs in more than its case is another mailbox, and gets neither the account nor its messages: sharp s,
-- iota subscript, the dotted and the dotless i; a capital is the letter that it is the capital of
SELECT email, pg_temp.made(email) FROM unnest(ARRAY['mass@example.com', E'ma\u00DF@example.com',
	E'MA\u1E9E@example.com', E'\u1FB3@example.com', E'\u03B1\u03B9@example.com', E'\u1FBC@example.com',
	'island@example.com', E'\u0130sland@example.com', E'i\u0307sland@example.com', E'\u0131sland@example.com',
	E'\u039F\u03A3@example.com', E'\u03BF\u03C3@example.com', E'\u03BF\u03C2@example.com']) email;
SELECT authfort.create_password_reset_token('mass@example.com') IS NOT NULL,
	authfort.create_password_reset_token(E'MA\u00DF@example.com') IS NOT NULL;
SELECT count(authfort.send_message(id, 'greeting', '{}')) FROM authfort.users WHERE email LIKE 'ma%';
SELECT u.email, m.message->>'email' AS receiver FROM authfort.take_messages(100) m
	JOIN authfort.users u ON u.id = m.user_id WHERE m.kind = 'greeting' ORDER BY 1;
SELECT email, pg_temp.made(email) FROM unnest(ARRAY['a@strasse.example', E'a@stra\u00DFe.example',
	E'a@STRA\u1E9EE.example', E'a@\u03BF\u03C2.example', E'a@\u03BF\u03C3.example', E'a@\u039F\u03A3.example',
	E'a@\u0130.example', E'a@i.example', E'a@\u0131.example']) email;
-- what is stored comes in again as it is
SELECT email FROM authfort.users WHERE pg_temp.made(email) <> 'user_exists';

-- nothing in it is invisible, on either side
SELECT what, pg_temp.made('mi' || c || 'ke@example.com') AS inside, pg_temp.made('mike@exam' || c || 'ple.com')
	AS domain,
	pg_temp.made(c || 'mike@example.com') AS before FROM characters ORDER BY c COLLATE "C";
SELECT pg_temp.made(email) AS marks FROM unnest(ARRAY[E'\u0301mike@example.com', E'mi.\u0301ke@example.com',
	E'mike+\u0308@example.com', E'a@\u0301example.com']) email;
-- nor stands for something else
SELECT pg_temp.made(email) AS ambiguous FROM unnest(ARRAY[E'eve\uFF20evil.example@corp.example',
	E'eve@evil.example\uFF20corp.example', E'eve\uFF0Ex@corp.example', E'eve@corp\uFF0Eexample',
	E'eve@corp\u3002example', E'eve@corp\uFF61example', E'eve@corp\u2024example', E'\uFF4Dike@example.com',
	E'o\uFB03ce@example.com', E'mike\u00B2@example.com', E'e\u017Fther@example.com',
	E'eve@evil.example\u2100x.corp.example', E'a@\u2488com', E'a\uFE6Bb@corp.example']) email;
-- letters of all scripts and emoji are fine
SELECT pg_temp.made(email) FROM unnest(ARRAY[E'\u7528\u6237@\u4F8B\u5B50.example',
	E'\u0930\u093E\u091C@\u092D\u093E\u0930\u0924.example', E'\U0001F984@example.com',
	E'a@\u0646\u0627\u0645\u0647\u200C\u0627\u06CC.example']) email;
-- long ones end soon
SELECT pg_temp.made('a' || repeat(E'\u0301', n) || '@example.com'), pg_temp.named('a' || repeat(E'\u0301\u0323',
	n)), pg_temp.role('a' || repeat(E'\u0301', n)) FROM unnest(ARRAY[100000, 10000000]) n;

-- names: invisible characters are refused, except those that shape their neighbours
SELECT what, pg_temp.named('Mi' || c || 'ke') AS name, pg_temp.role('ad' || c || 'min') AS role
	FROM characters ORDER BY c COLLATE "C";
SELECT pg_temp.named(name) FROM unnest(ARRAY[E'Jose\u0301', E' A \u3000 B ', E'\u3000', '<3', '', E'\u0301x',
	E'x \u0301', E'\uFF2Dike', E'\u00C0 la carte\u2026',
	E'\u0639\u0644\u06CC\u200C\u0631\u0636\u0627', E'\u0DC1\u0DCA\u200D\u0DBB\u0DD3', E'\u0915\u094D\u200C\u0937',
	E'a\u200Db', E'\u200D', E'\u0639\u200C', E'\u0639\u200C\u200C\u0639',
	E'\U0001F469\U0001F3FD\u200D\U0001F4BB', E'\U0001F469\u200D', E'\u2764\uFE0F', E'7\uFE0F',
	E'\u845B\U000E0100\u57CE', E'a\U000E0100']) name;
SELECT pg_temp.named(repeat(E'e\u0301', 255)) = '"' || repeat(E'\u00E9', 255) || '"' AS counted_composed,
	pg_temp.named(repeat(E'e\u0301', 256));
-- roles as well; they keep their case, and characters that stand for another one are refused
SELECT pg_temp.role(role) FROM unnest(ARRAY[E'E\u0301quipe', 'Head of QA', E'\uFF41dmin', E'\u0301x', E'x\u00A0',
	E' x', E'admin\u200B', E'\u2460']) role;
SELECT authfort.create_user('roles@example.com', roles => ARRAY[E'e\u0301quipe', E'\u00E9quipe'])->>'id' AS id,
	authfort.create_user('none@example.com')->>'id' AS none \gset
SELECT authfort.get_roles(:'id') = ARRAY[E'\u00E9quipe'] AS one, authfort.user_has_role(:'id', E'e\u0301quipe'),
	authfort.get_user_count(role => E'e\u0301quipe'),
	(SELECT count(*) FROM authfort.role_members(E'e\u0301quipe')) AS members;
SELECT authfort.add_role(:'none', E'e\u0301quipe'), authfort.remove_role(:'id', E'e\u0301quipe');
SELECT authfort.get_roles(:'id'), authfort.get_roles(:'none') = ARRAY[E'\u00E9quipe'] AS added;
SELECT authfort.set_password(:'none', 'correct horse')->'ok';
SELECT authfort.set_jwt(authfort.login('none@example.com', 'correct horse')#>>'{tokens,access_token}',
	false) ? 'sub' AS signed_in;
SELECT authfort.has_role(E'e\u0301quipe'), authfort.has_role(r) AS by_variable, authfort.has_role(E'E\u0301quipe')
	FROM unnest(ARRAY[E'e\u0301quipe']) r;
-- an avatar's URL
SELECT authfort.signup('u@example.com', 'correct horse', avatar_url => 'https://example.com/' || c)->>'error',
	count(*) FROM characters GROUP BY 1;

-- the search folds in the same way
SELECT authfort.create_user('s@example.com',
	name => E'Ren\u00E9e Stra\u00DFe \u039F\u03B4\u03C5\u03C3\u03C3\u03B5\u03CD\u03C2 \u0130x')->>'name' IS NOT NULL;
SELECT query, authfort.get_user_count(query) FROM unnest(ARRAY[E'RENE\u0301E', 'strasse', E'STRA\u1E9EE',
	E'\u039F\u0394\u03A5\u03A3\u03A3\u0395\u038E\u03A3', E'\u0130x', 'renee']) query;

-- passwords: NFC, and spaces are spaces; nothing is refused for being new
CREATE FUNCTION pg_temp.login(email text, password text) RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(r->>'error', 'in') FROM authfort.login(email, password) r $$;
SELECT authfort.create_user('p@example.com', E'cr\u00E8me\u00A0br\u00FBl\u00E9e \u0378\U0001FAE8')->>'id' AS p \gset
SELECT pg_temp.login('p@example.com', password) FROM unnest(ARRAY[E'cr\u00E8me br\u00FBl\u00E9e \u0378\U0001FAE8',
	E'cre\u0300me\u3000bru\u0302le\u0301e \u0378\U0001FAE8', E'creme brulee \u0378\U0001FAE8']) password;
SELECT authfort.change_password(:'p', E'cre\u0300me bru\u0302le\u0301e \u0378\U0001FAE8',
	E'cre\u0300me\u2003bru\u0302le\u0301e \u0378\U0001FAE8')->>'error';
-- counted in that form
SELECT authfort.signup('short@example.com', repeat(E'e\u0301', 7))->>'error' AS seven,
	authfort.signup('eight@example.com', repeat(E'e\u0301', 8)) ? 'tokens' AS eight,
	authfort.signup('long@example.com', repeat(E'\u0958', 342))->>'error' AS typed,
	authfort.signup('long@example.com', repeat(E'\u0958', 341))->>'error' AS composed;
-- a hash of the bytes as they were typed (NFD, with a no-break space) counts, until it has been replaced
SET authfort.argon2_memory = '1MB';
UPDATE authfort.users SET password_hash = '$argon2id$v=19$m=1024,t=1,p=1$U0FMVFNBTFRTQUxUU0FMVA$cOn5vy7qtSyu7+94eiCXKLmRHuUwg64PIem79hHepjA'
	WHERE id = :'p';
SELECT pg_temp.login('p@example.com', E'cre\u0300me brule') AS other;
SELECT pg_temp.login('p@example.com', E'cre\u0300me\u00A0brule') AS as_typed;
SELECT password_hash LIKE '%U0FMVFNBTFRTQUxUU0FMVA%' AS kept FROM authfort.users WHERE id = :'p';
SELECT pg_temp.login('p@example.com', E'cr\u00E8me brule') AS in_normal_form;
-- so does the list of breaches
SELECT authfort.load_breached_passwords(ARRAY['91d70fb4f3753ff030a12f108b075bd408b7295c',
	'5549c03aac6b1d4657cc5ee3da965517b99d7e33']);
SELECT authfort.signup('b@example.com', password)->>'error' FROM unnest(ARRAY[E'mot de passe cass\u00E9',
	E'mot de passe casse\u0301', E'mot\u00A0de passe casse\u0301', E'voil\u00E0 cass\u00E9',
	E'voila\u0300 casse\u0301']) password;
-- what is longer than any email, name or role is not found, and not worked on
SET statement_timeout = '20s';
SELECT authfort.get_user_count(repeat(E'\u0301\u0323', 2000000)) AS by_text,
	authfort.get_user_count(role => repeat(E'\u0301\u0323', 2000000)) AS by_role,
	authfort.list_users(repeat('a', 8193))->'users' AS users;
RESET statement_timeout;
