using System.Buffers;
using System.Numerics;
using System.Runtime.InteropServices;

namespace Strata.Benchmarks;

/// <summary>Where results end, so that no loop is optimised away, and none that did less than it says goes unnoticed.</summary>
internal static class Sink
{
    public static void Expect(long found, long expected)
    {
        if (found != expected) throw new InvalidOperationException($"The work was not done: {found} instead of {expected}.");
    }

    /// <summary>Touches every byte: their sum as numbers of eight bytes, and what is left over one by one.</summary>
    public static long Sum(ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<Vector<long>> vectors = MemoryMarshal.Cast<byte, Vector<long>>(bytes);
        Vector<long> sums = default;
        foreach (Vector<long> vector in vectors) sums += vector;
        long sum = Vector.Sum(sums);
        foreach (byte left in bytes[(vectors.Length * Vector<byte>.Count)..]) sum += left;
        return sum;
    }

    public static long Sum(in ReadOnlySequence<byte> bytes)
    {
        if (bytes.IsSingleSegment) return Sum(bytes.FirstSpan);
        long sum = 0;
        foreach (ReadOnlyMemory<byte> piece in bytes) sum += Sum(piece.Span);
        return sum;
    }
}
