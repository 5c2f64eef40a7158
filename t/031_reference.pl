# docs/reference.md is what scripts/reference makes of the catalog, of
# docs/reference.notes and of the sources, and nothing of it is missing.
use strict;
use warnings FATAL => 'all';

use AuthfortNode qw(start_node);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node('reference', preload => 'authfort');

sub lines { return sort split /\n/, $node->safe_psql('app', $_[0]); }

sub is_same_set
{
	my ($got, $expected, $name) = @_;
	return is_deeply([ sort @$got ], [ sort @$expected ], $name);
}

# the page
my $made = $node->data_dir . '/reference.md';
{
	local %ENV = (%ENV, PGHOST => $node->host, PGPORT => $node->port, PGDATABASE => 'app');
	is(system("scripts/reference >'$made'"), 0, 'scripts/reference succeeds');
}
my $page = slurp_file('docs/reference.md');
is(system('diff', '-u', 'docs/reference.md', $made), 0, 'docs/reference.md is current')
  or diag('Make it again: scripts/reference >docs/reference.md, with a database that has the extension.');

# functions and their notes
my @functions = lines(<<'SQL');
	SELECT format('%I.%I(%s)', n.nspname, p.proname,
		(SELECT string_agg(format_type(t, NULL), ', ' ORDER BY o) FROM unnest(p.proargtypes)
			WITH ORDINALITY AS a(t, o)))
	FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
	WHERE n.nspname = 'authfort' OR p.oid = 'authfort_api.pre_request()'::regprocedure
SQL
cmp_ok(scalar(@functions), '>', 50, 'the catalog has functions');
is_same_set([ slurp_file('docs/reference.notes') =~ /^= (.*)$/mg ], \@functions,
	'docs/reference.notes has an entry for each function, and no other');
my %headings = map { s/"//gr =~ s/\(.*//r => 1 } @functions;
my %in_page  = map { s/"//gr => 1 } $page =~ /^### (\S*[.]\S+)$/mg;
is_same_set([ grep { !$in_page{$_} } keys %headings ], [], 'each function has its section');

# comments are one sentence each
is_same_set([ lines(<<'SQL') ], [], 'each function has a COMMENT of one sentence');
	SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid
	WHERE d.deptype = 'e' AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'authfort')
		AND coalesce(obj_description(p.oid, 'pg_proc'), '') !~ '^[A-Z]([^.]|\.(?! ))*\.$'
SQL
is_same_set([ lines(<<'SQL') ], [], 'none is longer than a line of \df+');
	SELECT p.oid::regprocedure FROM pg_proc p WHERE pronamespace = 'authfort'::regnamespace
		AND length(obj_description(p.oid, 'pg_proc')) > 120
SQL
is_same_set([ lines(<<'SQL') ], [], 'each table and view has a comment');
	SELECT oid::regclass FROM pg_class WHERE relnamespace = 'authfort'::regnamespace AND relkind IN ('r', 'v')
		AND obj_description(oid, 'pg_class') IS NULL
SQL

# settings, relations, events and codes
sub section
{
	my ($title) = @_;
	my ($text) = $page =~ /^## \Q$title\E\n(.*?)(?=^## |\z)/ms;
	return $text // '';
}
is_same_set([ section('Settings') =~ /^\| `(authfort\.\w+)`/mg ],
	[ lines(q{SELECT name FROM pg_settings WHERE name LIKE 'authfort.%'}) ], 'each setting has its row');
is_same_set([ (section('Views') . section('Tables')) =~ /^### (authfort\.\w+)$/mg ],
	[ lines(q{SELECT oid::regclass FROM pg_class WHERE relnamespace = 'authfort'::regnamespace }
		. q{AND relkind IN ('r', 'v')}) ],
	'each table and view has its section');
my ($events) = slurp_file('src/domain/events.c') =~ /event_names\[\] = \{(.*?)\};/s;
is_same_set([ section('Events') =~ /^\| `(\w+)`/mg ], [ $events =~ /"(\w+)"/g ], 'each event has its row');
my %codes;
foreach my $source (glob('src/*/*.c'))
{
	$codes{$_} = 1 foreach slurp_file($source) =~ /Refusal \w+ =\s*\{"(\w+)"/g;
}
my %documented = map { $_ => 1 } section('Error codes') =~ /^\| `(\w+)`/mg;
is_same_set([ keys %documented ], [ keys %codes ], 'each error code has its row');
# the names of SQLSTATEs are not codes
my $condition = qr/^\w+_(?:object|violation|value|specification|privilege|resources|error|allowed|definition
	|transaction|representation)$/x;
is_same_set([ grep { !$documented{$_} && /_/ && !/^authfort/ && $_ !~ $condition }
		map { /\(\w{5}, `(\w+)`/g } section('Functions') ],
	[], 'codes that functions raise are among them');

# routes
my %routes_in_docs;
my $http = slurp_file('docs/http.md');
while ($http =~ m{^\| ([A-Z][A-Z, ]+) (/[^\s?|]+)[^|]* \|}mg)
{
	my ($methods, $path) = ($1, $2);
	$path =~ s/\{\w+\}/{}/g;
	$routes_in_docs{"$_ $path"}++ foreach split /, /, $methods;
}
my @routes = map { s{^(\S+) /auth/}{$1 /}r =~ s/\{\w+\}/{}/gr } lines(q{SELECT method || ' ' || path }
	. q{FROM authfort.routes()});
cmp_ok(scalar(@routes), '>', 50, 'authfort.routes() has routes');
is_same_set([ keys %routes_in_docs ], \@routes, 'docs/http.md has each route of authfort.routes(), and no other');
is_same_set([ grep { $routes_in_docs{$_} > 1 } keys %routes_in_docs ], [], 'docs/http.md has no route twice');

$node->stop;
done_testing();
