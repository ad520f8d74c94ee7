using System.Runtime.CompilerServices;

namespace Strata;

/// <summary>An entry on its way from one node to another: where its parts are in copies of nodes, or in a workspace.</summary>
internal readonly unsafe struct LogIndexItem(byte* prefix, int prefixLength, int head, byte* entry, int keyLength, bool isVisited)
{
    public int PrefixLength { get; } = prefixLength;

    public int Head { get; } = head;

    /// <summary>Payload, length behind the prefix, bytes behind the head: as in a node's heap.</summary>
    public byte* Entry => entry;

    public int KeyLength { get; } = keyLength;

    public bool IsVisited { get; } = isVisited;

    /// <summary>Of an inner node: the child.</summary>
    public uint Child => Unsafe.ReadUnaligned<uint>(entry);

    /// <summary>Length of <see cref="Entry"/>.</summary>
    public int EntryBytes(int payload) => payload + LogIndexNode.LengthBytes + Math.Max(0, KeyLength - PrefixLength - LogIndexNode.HeadBytes);

    /// <summary>The whole key, put together in <paramref name="room"/>.</summary>
    public ReadOnlySpan<byte> Key(int payload, Span<byte> room)
    {
        new ReadOnlySpan<byte>(prefix, PrefixLength).CopyTo(room);
        int suffix = KeyLength - PrefixLength;
        LogIndexNode.CopySuffix(Head, new ReadOnlySpan<byte>(entry + payload + LogIndexNode.LengthBytes, Math.Max(0, suffix - LogIndexNode.HeadBytes)), room.Slice(PrefixLength, suffix));
        return room[..KeyLength];
    }
}
