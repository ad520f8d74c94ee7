using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Strata.Reliability;

/// <summary>A value that tells what it must be: its key's number, a seed, its length, and bytes that follow from the three.</summary>
internal static class SeededValue
{
    /// <summary>What the description takes.</summary>
    public const int LeastBytes = 12;

    public static byte[] Make(int key, int seed, int length)
    {
        byte[] value = new byte[length];
        BinaryPrimitives.WriteInt32LittleEndian(value, key);
        BinaryPrimitives.WriteInt32LittleEndian(value.AsSpan(4), seed);
        BinaryPrimitives.WriteInt32LittleEndian(value.AsSpan(8), length);
        Span<byte> rest = value.AsSpan(LeastBytes);
        for (ulong state = Start(key, seed, length); rest.Length > 0; rest = rest[Math.Min(rest.Length, sizeof(ulong))..])
        {
            state = Next(state);
            MemoryMarshal.AsBytes(new ReadOnlySpan<ulong>(in state))[..Math.Min(rest.Length, sizeof(ulong))].CopyTo(rest);
        }

        return value;
    }

    public static int SeedOf(ReadOnlySpan<byte> value) => BinaryPrimitives.ReadInt32LittleEndian(value[4..]);

    /// <summary>What is wrong with a value that was read under a key; null if nothing is.</summary>
    public static string? Fault(ReadOnlySpan<byte> value, int key)
    {
        if (value.Length < LeastBytes) return $"it has {value.Length} bytes, fewer than any that was written";
        int owner = BinaryPrimitives.ReadInt32LittleEndian(value), seed = SeedOf(value), length = BinaryPrimitives.ReadInt32LittleEndian(value[8..]);
        if (owner != key) return $"it is the value of key {owner}";
        if (length != value.Length) return $"it has {value.Length} bytes and says {length}";
        ulong state = Start(key, seed, length);
        for (int at = LeastBytes; at < value.Length; at += sizeof(ulong))
        {
            state = Next(state);
            ReadOnlySpan<byte> piece = value[at..Math.Min(value.Length, at + sizeof(ulong))];
            if (!piece.SequenceEqual(MemoryMarshal.AsBytes(new ReadOnlySpan<ulong>(in state))[..piece.Length])) return $"byte {at} or one soon behind it is not of seed {seed}";
        }

        return null;
    }

    private static ulong Start(int key, int seed, int length) => (((ulong)(uint)key << 32) | (uint)seed) ^ ((ulong)(uint)length * 0x9E3779B97F4A7C15) | 1;

    private static ulong Next(ulong state)
    {
        state ^= state << 13;
        state ^= state >> 7;
        return state ^ (state << 17);
    }
}
