# The structure that the README describes: which folder may include which, what
# the library exports, and one version everywhere.
use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Utils;
use Test::More;

my @order = qw(base crypto domain identity flow http);
my %rank  = map { $order[$_] => $_ } 0 .. $#order;
my %may   = (redact => { base => 1, redact => 1 });

foreach my $folder (@order)
{
	$may{$folder} = { map { $_ => 1 } @order[ 0 .. $rank{$folder} ] };
}
$may{server} = { %{ $may{flow} }, server => 1 };

sub wrong_includes
{
	my ($folder, $source) = @_;
	return grep { exists $may{$_} && !$may{$folder}{$_} } $source =~ m{^#include "(\w+)/}mg;
}

is_deeply([ wrong_includes('domain', qq{#include "http/router.h"\n#include "base/json.h"\n}) ],
	['http'], 'an include that goes up is found');

my @files = glob('src/*/*.[ch]');
cmp_ok(scalar(@files), '>', 50, 'there are sources to check');
foreach my $file (@files)
{
	my ($folder) = $file =~ m{^src/(\w+)/};
	ok($may{$folder}, "$file is in a folder that has a place in the order") or next;
	is_deeply([ wrong_includes($folder, slurp_file($file)) ], [], "$file includes what is below it");
}

# a header of authfort is included with its folder
my %folder_of = map { m{^src/(\w+)/(\w+\.h)$} ? ($2 => $1) : () } @files;
foreach my $file (@files)
{
	my @bare = grep { $folder_of{$_} } slurp_file($file) =~ m{^#include "(\w+\.h)"}mg;
	is_deeply(\@bare, [], "$file names the folder of what it includes");
}

# a search, a breakpoint and a backtrace each mean one function of a program
sub functions_of
{
	return slurp_file(shift) =~ /^(\w+)\([^;]*?\)\n\{/mg;
}

foreach my $program (qw(src gateway courier))
{
	my %files;
	foreach my $file (glob("$program/*.c $program/*/*.c"))
	{
		$files{$_}{$file} = 1 foreach functions_of($file);
	}
	cmp_ok(scalar(keys %files), '>', 50, "$program has functions");
	is_deeply([ grep { keys %{ $files{$_} } > 1 } sort keys %files ],
		[], "no two files of $program define a function of the same name");
}

chomp(my $libdir = `pg_config --pkglibdir`);
my @symbols = map { (split)[-1] } split /\n/, `nm -D --defined-only $libdir/authfort.so`;
cmp_ok(scalar(@symbols), '>', 100, 'the library exports its SQL functions');
is_deeply([ grep { !/^(authfort_|pg_finfo_authfort_|Pg_magic_func$|_PG_init$)/ } @symbols ],
	[], 'the library exports no name without its prefix');

my ($version) = slurp_file('authfort.control') =~ /^default_version = '([\d.]+)'$/m;
ok($version, 'authfort.control has the version');
is_deeply([ slurp_file('META.json') =~ /"version": "([\d.]+)",\n   "m/g ],
	[$version], 'META.json has the version of authfort.control');
foreach my $file (qw(Makefile gateway/Makefile courier/Makefile))
{
	unlike(slurp_file($file), qr/\b\Q$version\E\b/, "$file takes the version from authfort.control");
}

done_testing();
