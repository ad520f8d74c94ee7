using System.Runtime.InteropServices;

namespace Strata;

/// <summary>A hash of keys, to find two commits of one key that are under way at once. Two keys that share it wait for each other, no more.</summary>
internal static class LogKeyHash
{
    public static ulong Of(ReadOnlySpan<byte> key)
    {
        ulong hash = 0x9E3779B97F4A7C15 ^ (ulong)key.Length;
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(key);
        foreach (ulong word in words) hash = Mix(hash ^ word);
        foreach (byte b in key[(words.Length * sizeof(ulong))..]) hash = Mix(hash ^ b);
        return hash;
    }

    private static ulong Mix(ulong value)
    {
        ulong high = Math.BigMul(value, 0xD6E8FEB86659FD93, out ulong low);
        return high ^ low;
    }
}
