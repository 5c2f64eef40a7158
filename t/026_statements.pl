# Every SQL statement in the C sources names relations, functions, types and operators
# by their schema, so that no search_path can replace them.
use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Utils;
use Test::More;

# After literals, OPERATOR() and parameters are removed, a statement must have no operator,
# and no function, type or table without a schema.  Names and conditions that replace a
# "%s" are not seen here.
my %statements;
foreach my $file (glob 'src/*.c src/*.h src/*/*.c src/*/*.h')
{
	my $text = slurp_file($file) =~ s{/\*.*?\*/}{}grs;
	$text =~ s/"\s*(?:[A-Z_]+(?:\("[^"]*"\))?\s*)?"//g;    # C joins them; macros between them are lists of columns
	$statements{"$file: $_"} = $_ foreach $text =~ /"((?:SELECT|INSERT|UPDATE|DELETE|WITH) (?:[^"\\]|\\.)*)"/g;
}
cmp_ok(scalar keys %statements, '>', 40, 'the sources have statements to check');
# words before a parenthesis that are not functions, and words before a relation
my $keyword = join '|', qw(ANY ALL ARRAY EXISTS COALESCE VALUES GREATEST LEAST AND OR NOT FROM SELECT IN P OPERATOR
	CASE WHEN CONFLICT);
my $before_relation = qr/(?<!DISTINCT )\b(?:FROM|INTO|JOIN|(?<!DO )(?<!FOR )UPDATE)/;
my @bare;
foreach my $where (sort keys %statements)
{
	my $sql = $statements{$where} =~ s/'[^']*'/''/gr =~ s/OPERATOR\(pg_catalog\.[^)]+\)/OPERATOR/gr =~ s/\$\d+/P/gr;
	my $rest = $sql =~ s/\bcount\(\*\)|\bSELECT \*|%s//gr =~ s/(\bSET|,) \w+ = /$1 /gr;
	push @bare, "operator in $where" if $rest =~ m{[-=<>+*/|@~!#%^&]}
		|| $rest =~ /\b(IN|BETWEEN|LIKE|DISTINCT FROM|NULLIF|SIMILAR)\b(?! \()/ || $rest =~ /\b(IN|NULLIF) ?\(/;
	push @bare, "$1 in $where" while $sql =~ /(?<![.\w])(\w+)\(/g
		&& $1 !~ /^($keyword)$/;
	push @bare, "type in $where" if $sql =~ /::(?!pg_catalog\.)/;
	push @bare, map { "$_ in $where" }
		($sql =~ s/^WITH (\w+) (.*)FROM \1\b/$2/r) =~ /$before_relation (\w+)\b(?!\.)/g;
}
is(join("\n", @bare), '', 'no statement names an object without its schema');

done_testing();
