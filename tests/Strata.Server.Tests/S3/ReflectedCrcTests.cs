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
}
