using System.Security.Cryptography;
using Xunit;

namespace Strata.Server.Tests;

public class ReflectedCrcTests
{
    [Fact]
    public void Gives_the_catalogued_check_values()
    {
        Assert.Equal(0xCBF43926u, ReflectedCrc.Crc32.Append(0, "123456789"u8));
        Assert.Equal(0xAE8B14860A799888u, ReflectedCrc.Crc64Nvme.Append(0, "123456789"u8));
    }

    [Fact]
    public void Is_the_same_however_the_bytes_are_cut()
    {
        byte[] bytes = RandomNumberGenerator.GetBytes(1000);
        foreach (int cut in new[] { 0, 1, 7, 8, 9, 500, 999, 1000 })
        {
            Assert.Equal(ReflectedCrc.Crc32.Append(0, bytes), ReflectedCrc.Crc32.Append(ReflectedCrc.Crc32.Append(0, bytes.AsSpan(0, cut)), bytes.AsSpan(cut)));
            Assert.Equal(ReflectedCrc.Crc64Nvme.Append(0, bytes), ReflectedCrc.Crc64Nvme.Append(ReflectedCrc.Crc64Nvme.Append(0, bytes.AsSpan(0, cut)), bytes.AsSpan(cut)));
        }
    }

    [Fact]
    public void Of_two_pieces_follows_from_those_of_each()
    {
        byte[] bytes = RandomNumberGenerator.GetBytes(100_000);
        foreach (ReflectedCrc crc in new[] { ReflectedCrc.Crc32, ReflectedCrc.Crc64Nvme })
        {
            foreach (int cut in new[] { 0, 1, 7, 255, 65_536, 99_999, 100_000 })
            {
                ulong first = crc.Append(0, bytes.AsSpan(0, cut)), second = crc.Append(0, bytes.AsSpan(cut));
                Assert.Equal(crc.Append(0, bytes), crc.Combine(first, second, bytes.Length - cut));
            }
        }
    }

    [Fact]
    public void Pieces_of_terabytes_are_combined()
    {
        // Two ways to append the same zeros: the lengths' bits beyond 32 count.
        foreach (ReflectedCrc crc in new[] { ReflectedCrc.Crc32, ReflectedCrc.Crc64Nvme })
        {
            ulong zeros = crc.Append(0, new byte[1 << 20]), twice = zeros;
            long length = 1 << 20;
            for (; length < 1L << 42; length *= 2) twice = crc.Combine(twice, twice, length);
            ulong doubled = crc.Combine(twice, twice, length);
            Assert.Equal(crc.Combine(doubled, zeros, 1 << 20), crc.Combine(zeros, doubled, length * 2));
        }
    }
}
