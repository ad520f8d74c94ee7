using System.Runtime.CompilerServices;

namespace Strata;

/// <content>How a leaf is made of keys that are known in order.</content>
internal readonly unsafe partial struct LogIndexNode
{
    /// <summary>Makes it a leaf of keys in ascending order, which fit.</summary>
    /// <param name="keys">One after the other.</param>
    /// <param name="ends">Where each ends.</param>
    /// <param name="locations">Where their entries are.</param>
    /// <param name="prefixLength">So many first bytes all of them have in common.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void FillLeaf(ReadOnlySpan<byte> keys, ReadOnlySpan<int> ends, ReadOnlySpan<LogLocation> locations, int prefixLength)
    {
        Begin(0, keys[..prefixLength], ends.Length);
        int* heads = Heads;
        ushort* offsets = Offsets(ends.Length);
        int heap = Heap, start = 0;
        for (int i = 0; i < ends.Length; i++)
        {
            ReadOnlySpan<byte> suffix = keys[(start + prefixLength)..ends[i]];
            start = ends[i];
            heap -= LeafPayload + LengthBytes + Math.Max(0, suffix.Length - HeadBytes);
            heads[i] = HeadOf(suffix);
            offsets[i] = (ushort)heap;
            WriteLocation(at + heap, locations[i]);
            WriteSuffix(at + heap, LeafPayload, suffix);
            if ((locations[i].Flags & LogEntryFlags.Visited) != LogEntryFlags.None) SetVisited(i, true);
        }

        Heap = heap;
    }
}
