# Opens a TUN device in the network namespace that it runs in, and becomes the program given, which finds the device
# at the file descriptor in QUORATE_TUN. Node.js cannot do the one ioctl that this takes; perl is on every Debian.
use strict;
use warnings;
use Fcntl;

my $TUNSETIFF = 0x400454ca;
my $IFF_TUN_NO_PI = 0x1001;

$^F = 1024;    # what is opened here stays open in the program
sysopen(my $tun, '/dev/net/tun', O_RDWR) or die "/dev/net/tun cannot be opened: $!\n";
my $request = pack('a16 s x22', 'tun0', $IFF_TUN_NO_PI);
ioctl($tun, $TUNSETIFF, $request) or die "a TUN device cannot be made: $!\n";
$ENV{QUORATE_TUN} = fileno($tun);
exec(@ARGV) or die "$ARGV[0] cannot be run: $!\n";
