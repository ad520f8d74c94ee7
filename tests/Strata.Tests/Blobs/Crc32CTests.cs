using System.Buffers;
using System.Numerics;
using System.Text;
using Xunit;

namespace Strata.Tests;

public sealed class Crc32CTests
{
    [Fact]
    public void The_vectors_of_rfc_3720_hold()
    {
        Assert.Equal(0x8A9136AAu, Crc32C.Of(new byte[32]));
        Assert.Equal(0x62A8AB43u, Crc32C.Of([.. Enumerable.Repeat((byte)0xFF, 32)]));
        Assert.Equal(0x46DD794Eu, Crc32C.Of([.. Enumerable.Range(0, 32).Select(i => (byte)i)]));
        Assert.Equal(0x113FDB5Cu, Crc32C.Of([.. Enumerable.Range(0, 32).Select(i => (byte)(31 - i))]));
        byte[] scsiRead =
        [
            0x01, 0xC0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x14, 0, 0, 0, 0, 0, 0x04, 0, 0, 0, 0, 0x14, 0, 0, 0, 0x18,
            0x28, 0, 0, 0, 0, 0, 0, 0, 0x02, 0, 0, 0, 0, 0, 0, 0,
        ];
        Assert.Equal(0xD9963A56u, Crc32C.Of(scsiRead));
        Assert.Equal(0xE3069283u, Crc32C.Of(Encoding.ASCII.GetBytes("123456789")));
        Assert.Equal(0u, Crc32C.Of([]));
    }

    [Fact]
    public void Pieces_of_any_size_give_the_sum_of_the_whole()
    {
        byte[] bytes = new byte[1001];
        new Random(1).NextBytes(bytes);
        uint whole = Crc32C.Of(bytes);
        for (int cut = 0; cut <= bytes.Length; cut += 13)
        {
            var crc = default(Crc32C);
            crc.Append(bytes.AsSpan(0, cut));
            crc.Append(bytes.AsSpan(cut));
            Assert.Equal(whole, crc.Value);
        }

        Assert.Equal(whole, Crc32C.Of(new ReadOnlySequence<byte>(bytes)));
    }

    [Fact]
    public void Long_runs_give_what_one_byte_after_the_other_gives_on_any_processor()
    {
        byte[] bytes = new byte[8_003];
        new Random(2).NextBytes(bytes);
        uint slow = ~0u;
        for (int length = 1; length <= bytes.Length; length++)
        {
            slow = BitOperations.Crc32C(slow, bytes[length - 1]);
            Assert.True(~slow == Crc32C.Of(bytes.AsSpan(0, length)), $"The checksum of {length} bytes depends on how they are appended.");
            Assert.True(slow == Finished(Crc32CLanes.Append, bytes.AsSpan(0, length)), $"Three chains give another checksum of {length} bytes.");
            if (Crc32CFolding.IsSupported) Assert.True(slow == Finished(Crc32CFolding.Append, bytes.AsSpan(0, length)), $"Folding gives another checksum of {length} bytes.");
        }
    }

    [Fact]
    public void Zeros_are_appended_at_once()
    {
        byte[] bytes = new byte[100 + 65_536];
        new Random(3).NextBytes(bytes.AsSpan(0, 100));
        uint first = Crc32C.Of(bytes.AsSpan(0, 100)), second = Crc32C.Of(bytes.AsSpan(100));
        Assert.Equal(Crc32C.Of(bytes), new Crc32CShift(65_536).Combine(first, second));
    }

    [Fact]
    public void The_sums_of_two_pieces_give_the_sum_of_both()
    {
        byte[] bytes = new byte[70_001];
        new Random(1).NextBytes(bytes);
        uint whole = Crc32C.Of(bytes);
        foreach (int cut in (int[])[0, 1, 7, 4096, 65_536, 70_000, 70_001])
            Assert.Equal(whole, Crc32C.Combine(Crc32C.Of(bytes.AsSpan(0, cut)), Crc32C.Of(bytes.AsSpan(cut)), bytes.Length - cut));
        Assert.Throws<ArgumentOutOfRangeException>(() => Crc32C.Combine(1, 2, -1));
    }

    private delegate ReadOnlySpan<byte> Appending(scoped ref uint state, ReadOnlySpan<byte> bytes);

    private static uint Finished(Appending append, ReadOnlySpan<byte> bytes)
    {
        uint state = ~0u;
        foreach (byte left in append(ref state, bytes)) state = BitOperations.Crc32C(state, left);
        return state;
    }
}
