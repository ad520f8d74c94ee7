using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Strata;

/// <summary>
/// One node of a <see cref="LogIndex"/>: 4 KiB of native memory with sorted keys, which share a prefix that is kept once.
/// A leaf's keys have locations, an inner node's have children.
/// </summary>
/// <remarks>
/// <code>
///    0  u16  count
///    2  u16  level: 0 = leaf
///    4  u16  where the heap begins; it grows down
///    6  u16  length of the prefix, which ends the node
///    8  u16  bytes of the heap that nothing points to
///   10  u16  where the last insertion was
///   12  i16  how many insertions before it were each behind (above zero) or before (below zero) the one before
///   16  u32  inner: the child whose keys are below all keys here; free: the next free node
///   32  32 bytes, one bit an entry: Visited
///   64  i32 × count  heads: the first four bytes of each key behind the prefix, big-endian, the sign flipped
///    …  u16 × count  where each entry is in the heap
///  heap entries: payload (leaf 12 bytes, inner 4), u16 length of the key behind the prefix, its bytes behind the head
/// </code>
/// A reader may look at a node while it is written: whatever it finds, it stays inside the node, and what it took is
/// dropped when the index's sequence shows the change. The bits of Visited stand at a fixed place, so that a reader that
/// sets one too late spoils at most another bit.
/// </remarks>
internal readonly unsafe partial struct LogIndexNode(byte* at)
{
    public const int Bytes = 4_096, HeaderBytes = 64, HeadBytes = 4, SlotBytes = 6, LengthBytes = 2, LeafPayload = 12, InnerPayload = 4, MaxKeyBytes = LogEntryHeader.MaxKeyBytes;

    /// <summary>The most keys that a node may hold; a leaf holds fewer than 256, so that the bits of Visited suffice.</summary>
    public const int MaxCount = (Bytes - HeaderBytes) / (SlotBytes + InnerPayload + LengthBytes);

    private const int CountAt = 0, LevelAt = 2, HeapAt = 4, PrefixAt = 6, GarbageAt = 8, LastAt = 10, RunAt = 12, LinkAt = 16, VisitedAt = 32;
    private const int LinearHeads = 64, PrefetchedBytes = 640;

    public byte* At => at;

    public int Count
    {
        get => Math.Min(*(ushort*)(at + CountAt), (ushort)MaxCount);
        set => *(ushort*)(at + CountAt) = (ushort)value;
    }

    public int Level => *(ushort*)(at + LevelAt);

    public int Payload => Level == 0 ? LeafPayload : InnerPayload;

    public int PrefixLength => Math.Min(*(ushort*)(at + PrefixAt), (ushort)MaxKeyBytes);

    public ReadOnlySpan<byte> Prefix
    {
        get
        {
            int length = PrefixLength;
            return new(at + Bytes - length, length);
        }
    }

    /// <summary>Where the last insertion was, and for how long insertions have gone in one direction.</summary>
    public int LastInsertion
    {
        get => *(ushort*)(at + LastAt);
        set => *(ushort*)(at + LastAt) = (ushort)value;
    }

    public int Run
    {
        get => *(short*)(at + RunAt);
        set => *(short*)(at + RunAt) = (short)value;
    }

    /// <summary>Inner: the child whose keys are below all keys here. Free: the next free node.</summary>
    public uint Link
    {
        get => *(uint*)(at + LinkAt);
        set => *(uint*)(at + LinkAt) = value;
    }

    /// <summary>Bytes of keys and slots, without header, prefix and garbage.</summary>
    public int Used => Bytes - PrefixLength - Heap - Garbage + (SlotBytes * Count);

    /// <summary>Bytes left, garbage among them.</summary>
    public int Free => Heap - HeaderBytes - (SlotBytes * Count) + Garbage;

    private int Heap
    {
        get => *(ushort*)(at + HeapAt);
        set => *(ushort*)(at + HeapAt) = (ushort)value;
    }

    private int Garbage
    {
        get => *(ushort*)(at + GarbageAt);
        set => *(ushort*)(at + GarbageAt) = (ushort)value;
    }

    private int* Heads => (int*)(at + HeaderBytes);

    /// <summary>What a key of this length takes in a node of this level and prefix, its slot included.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int SizeOf(int keyLength, int prefixLength, int payload) => SlotBytes + payload + LengthBytes + Math.Max(0, keyLength - prefixLength - HeadBytes);

    /// <summary>The head of a key behind its prefix: heads are in the order of their keys, but for equal ones.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int HeadOf(ReadOnlySpan<byte> suffix)
    {
        if (suffix.Length >= HeadBytes) return BinaryPrimitives.ReadInt32BigEndian(suffix) ^ int.MinValue;
        uint head = 0;
        for (int i = 0; i < suffix.Length; i++) head |= (uint)suffix[i] << (24 - (8 * i));
        return (int)head ^ int.MinValue;
    }

    /// <summary>Asks for what a search will read, all at once instead of step by step.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Prefetch()
    {
        CacheLines.Prefetch(at, PrefetchedBytes);
        CacheLines.Prefetch(at + Bytes - 1, 1);
    }

    /// <summary>The first key that is not below <paramref name="key"/>, and whether it is that key.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Find(ReadOnlySpan<byte> key, int payload, out bool isFound)
    {
        isFound = false;
        int count = Count;
        ReadOnlySpan<byte> prefix = Prefix;
        if (!key.StartsWith(prefix)) return key.SequenceCompareTo(prefix) < 0 ? 0 : count;
        ReadOnlySpan<byte> suffix = key[prefix.Length..];
        int head = HeadOf(suffix);
        int index = LowerBound(head, count);
        return index == count || Heads[index] != head ? index : FindAmongEqualHeads(suffix, head, index, count, payload, out isFound);
    }

    /// <summary>The child whose keys may include <paramref name="key"/>: 0 is the one of <see cref="Link"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int FindChild(ReadOnlySpan<byte> key)
    {
        int index = Find(key, InnerPayload, out bool isFound);
        return isFound ? index + 1 : index;
    }

    public uint Child(int index) => index == 0 ? Link : Unsafe.ReadUnaligned<uint>(Entry(index - 1, InnerPayload));

    public LogLocation Location(int index) => Location(Entry(index, LeafPayload), index);

    private LogLocation Location(byte* entry, int index)
    {
        uint packed = Unsafe.ReadUnaligned<uint>(entry + 8);
        return new(
            Unsafe.ReadUnaligned<uint>(entry),
            Unsafe.ReadUnaligned<uint>(entry + 4),
            packed >> 8,
            (LogEntryFlags)(byte)packed | (IsVisited(index) ? LogEntryFlags.Visited : LogEntryFlags.None));
    }

    public void SetLocation(int index, LogLocation location)
    {
        WriteLocation(Entry(index, LeafPayload), location);
        SetVisited(index, (location.Flags & LogEntryFlags.Visited) != LogEntryFlags.None);
    }

    /// <summary>Writes a location as it stands in a leaf; Visited has its bit elsewhere.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WriteLocation(byte* entry, LogLocation location)
    {
        Unsafe.WriteUnaligned(entry, location.Segment);
        Unsafe.WriteUnaligned(entry + 4, location.Offset);
        Unsafe.WriteUnaligned(entry + 8, (location.Units << 8) | (byte)(location.Flags & ~LogEntryFlags.Visited));
    }

    public bool IsTombstone(int index) => (*(Entry(index, LeafPayload) + 8) & (byte)LogEntryFlags.Tombstone) != 0;

    public bool IsVisited(int index) => (at[VisitedAt + ((index >> 3) & 31)] & (1 << (index & 7))) != 0;

    public void SetVisited(int index, bool isVisited)
    {
        byte* bits = at + VisitedAt + ((index >> 3) & 31);
        if (isVisited) *bits |= (byte)(1 << (index & 7));
        else *bits &= (byte)~(1 << (index & 7));
    }

    public int Head(int index) => Heads[index];

    public int SuffixLength(int index, int payload) => Unsafe.ReadUnaligned<ushort>(Entry(index, payload) + payload);

    /// <summary>An entry of the heap.</summary>
    public byte* Entry(int index, int payload) => at + Math.Min(Offsets(Count)[index], (ushort)(Bytes - LengthBytes - payload));

    public int KeyLength(int index, int payload) => Math.Min(PrefixLength + SuffixLength(index, payload), MaxKeyBytes);

    /// <summary>Copies a key to where there is room for <see cref="KeyLength"/> bytes.</summary>
    public void CopyKey(int index, int payload, Span<byte> to)
    {
        ReadOnlySpan<byte> prefix = Prefix;
        if (prefix.Length > to.Length) return;
        prefix.CopyTo(to);
        byte* entry = Entry(index, payload) + payload + LengthBytes;
        CopySuffix(Heads[index], new ReadOnlySpan<byte>(entry, (int)(at + Bytes - entry)), to[prefix.Length..]);
    }

    /// <summary>Appends keys and locations of a leaf, from an entry on.</summary>
    /// <param name="index">The first.</param>
    /// <param name="step">1: upwards, -1: downwards.</param>
    /// <param name="count">How many, which are there.</param>
    /// <param name="into">Gets them.</param>
    public void AppendTo(LogScanBuffer into, int index, int step, int count)
    {
        int prefixLength = PrefixLength;
        ReadOnlySpan<byte> prefix = new(at + Bytes - prefixLength, prefixLength);
        Vector128<byte> first = default;
        prefix[..Math.Min(prefixLength, sizeof(Vector128<byte>))].CopyTo(new Span<byte>(&first, sizeof(Vector128<byte>)));
        for (; count > 0; count--, index += step)
        {
            byte* entry = Entry(index, LeafPayload), rest = entry + LeafPayload + LengthBytes;
            int suffixLength = Math.Min(Unsafe.ReadUnaligned<ushort>(entry + LeafPayload), MaxKeyBytes - prefixLength);
            Span<byte> key = into.Append(prefixLength + suffixLength, Location(entry, index));
            first.CopyTo(key);
            if (prefixLength > sizeof(Vector128<byte>)) prefix.CopyTo(key);
            int restLength = suffixLength - HeadBytes;
            Span<byte> suffix = key[prefixLength..];
            if (restLength is >= 0 and <= 16 && rest + sizeof(Vector128<byte>) <= at + Bytes)
            {
                BinaryPrimitives.WriteInt32BigEndian(suffix, Heads[index] ^ int.MinValue);
                Vector128.Load(rest).CopyTo(suffix[HeadBytes..]);
            }
            else
            {
                CopySuffix(Heads[index], new ReadOnlySpan<byte>(rest, (int)(at + Bytes - rest)), suffix[..suffixLength]);
            }
        }
    }

    /// <summary>Puts a key's head and what follows it together.</summary>
    public static void CopySuffix(int head, ReadOnlySpan<byte> rest, Span<byte> to)
    {
        uint bytes = (uint)(head ^ int.MinValue);
        if (to.Length >= HeadBytes)
        {
            BinaryPrimitives.WriteUInt32BigEndian(to, bytes);
            to = to[HeadBytes..];
            rest[..Math.Min(rest.Length, to.Length)].CopyTo(to);
            return;
        }

        for (int i = 0; i < to.Length; i++) to[i] = (byte)(bytes >> (24 - (8 * i)));
    }

    /// <summary>Makes it a node of <paramref name="count"/> entries, which <see cref="Fill"/> then writes in their order.</summary>
    public void Begin(int level, ReadOnlySpan<byte> prefix, int count)
    {
        new Span<byte>(at, HeaderBytes).Clear();
        *(ushort*)(at + LevelAt) = (ushort)level;
        *(ushort*)(at + PrefixAt) = (ushort)prefix.Length;
        Heap = Bytes - prefix.Length;
        Count = count;
        prefix.CopyTo(new Span<byte>(at + Heap, prefix.Length));
    }

    /// <summary>Writes the slot of an entry and gives the place of its heap entry.</summary>
    public byte* Fill(int index, int head, int entryBytes)
    {
        int heap = Heap - entryBytes;
        Heap = heap;
        Heads[index] = head;
        Offsets(Count)[index] = (ushort)heap;
        return at + heap;
    }

    /// <summary>Writes a heap entry but for its payload.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WriteSuffix(byte* entry, int payload, ReadOnlySpan<byte> suffix)
    {
        Unsafe.WriteUnaligned(entry + payload, (ushort)suffix.Length);
        if (suffix.Length > HeadBytes) suffix[HeadBytes..].CopyTo(new Span<byte>(entry + payload + LengthBytes, suffix.Length - HeadBytes));
    }

    /// <summary>Opens a slot for a key behind the prefix; null if there is no room without compacting. The payload is the caller's to write.</summary>
    public byte* Insert(int index, ReadOnlySpan<byte> suffix, int payload)
    {
        int count = Count, entryBytes = payload + LengthBytes + Math.Max(0, suffix.Length - HeadBytes);
        if (Heap - entryBytes < HeaderBytes + (SlotBytes * (count + 1))) return null;

        // The offsets stand behind the heads: what is above the gap first, for it moves furthest.
        ushort* before = Offsets(count), after = Offsets(count + 1);
        Move(before + index, after + index + 1, (count - index) * sizeof(ushort));
        Move(before, after, index * sizeof(ushort));
        Move(Heads + index, Heads + index + 1, (count - index) * HeadBytes);
        Count = count + 1;
        if (payload == LeafPayload) OpenVisited(index);
        byte* entry = Fill(index, HeadOf(suffix), entryBytes);
        WriteSuffix(entry, payload, suffix);
        return entry;
    }

    public void Remove(int index, int payload)
    {
        int count = Count, entryBytes = payload + LengthBytes + Math.Max(0, SuffixLength(index, payload) - HeadBytes);
        if (Offsets(count)[index] == Heap) Heap += entryBytes;
        else Garbage += entryBytes;

        Move(Heads + index + 1, Heads + index, (count - index - 1) * HeadBytes);
        ushort* before = Offsets(count), after = Offsets(count - 1);
        Move(before, after, index * sizeof(ushort));
        Move(before + index + 1, after + index, (count - index - 1) * sizeof(ushort));
        Count = count - 1;
        if (payload == LeafPayload) CloseVisited(index);
    }

    /// <summary>Gathers the garbage of the heap.</summary>
    /// <param name="copy">Room for a node.</param>
    public void Compact(byte* copy)
    {
        int payload = Payload, count = Count;
        Move(at, copy, Bytes);
        var old = new LogIndexNode(copy);
        ushort* offsets = Offsets(count);
        int heap = Bytes - PrefixLength;
        for (int i = 0; i < count; i++)
        {
            int entryBytes = payload + LengthBytes + Math.Max(0, old.SuffixLength(i, payload) - HeadBytes);
            heap -= entryBytes;
            Move(old.Entry(i, payload), at + heap, entryBytes);
            offsets[i] = (ushort)heap;
        }

        Heap = heap;
        Garbage = 0;
    }

    private static void Move(void* from, void* to, int bytes) => Buffer.MemoryCopy(from, to, bytes, bytes);

    private ushort* Offsets(int count) => (ushort*)(at + HeaderBytes + (HeadBytes * count));

    /// <summary>How many heads are below: a few halvings, then all of what is left at once, which waits for memory once instead of at each step.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int LowerBound(int head, int count)
    {
        int* heads = Heads;
        int low = 0;
        while (count > LinearHeads)
        {
            int half = count >> 1;
            low += heads[low + half - 1] < head ? half : 0;
            count -= half;
        }

        heads += low;
        var sought = new Vector<int>(head);
        Vector<int> below = Vector<int>.Zero;
        int i = 0;
        for (; i <= count - Vector<int>.Count; i += Vector<int>.Count) below += Vector.LessThan(Vector.Load(heads + i), sought);
        below += Vector.LessThan(Vector.Load(heads + i), sought) & Vector.LessThan(Vector<int>.Indices, new Vector<int>(count - i));
        return low - Vector.Sum(below);
    }

    private int FindAmongEqualHeads(ReadOnlySpan<byte> suffix, int head, int index, int count, int payload, out bool isFound)
    {
        int low = index, high = index + 1;
        if (high < count && Heads[high] == head) high = head == int.MaxValue ? count : low + LowerBoundFrom(low, head + 1, count);
        while (low < high)
        {
            int middle = (low + high) >> 1;
            int order = CompareBehindHead(suffix, middle, payload);
            if (order == 0)
            {
                isFound = true;
                return middle;
            }

            if (order < 0) high = middle;
            else low = middle + 1;
        }

        isFound = false;
        return low;
    }

    private int LowerBoundFrom(int from, int head, int count) => new LogIndexNode(at + (from * HeadBytes)).LowerBound(head, count - from);

    /// <summary>With equal heads one that is not longer than its head is a prefix of the other, but for zeros: the shorter is below.</summary>
    private int CompareBehindHead(ReadOnlySpan<byte> suffix, int index, int payload)
    {
        byte* entry = Entry(index, payload);
        int length = Unsafe.ReadUnaligned<ushort>(entry + payload);
        if (suffix.Length <= HeadBytes || length <= HeadBytes) return suffix.Length.CompareTo(length);
        byte* rest = entry + payload + LengthBytes;
        return suffix[HeadBytes..].SequenceCompareTo(new ReadOnlySpan<byte>(rest, Math.Min(length - HeadBytes, (int)(at + Bytes - rest))));
    }

    /// <summary>Moves the bits from <paramref name="index"/> on up by one.</summary>
    private void OpenVisited(int index)
    {
        ulong* words = (ulong*)(at + VisitedAt);
        int word = index >> 6;
        for (int i = 3; i > word; i--) words[i] = (words[i] << 1) | (words[i - 1] >> 63);
        ulong kept = (1UL << (index & 63)) - 1, old = words[word];
        words[word] = (old & kept) | ((old & ~kept) << 1);
    }

    /// <summary>Moves the bits behind <paramref name="index"/> down by one.</summary>
    private void CloseVisited(int index)
    {
        ulong* words = (ulong*)(at + VisitedAt);
        int word = index >> 6;
        ulong kept = (1UL << (index & 63)) - 1, old = words[word];
        words[word] = (old & kept) | ((old >> 1) & ~kept);
        for (int i = word + 1; i < 4; i++)
        {
            words[i - 1] = (words[i - 1] & ~(1UL << 63)) | (words[i] << 63);
            words[i] >>= 1;
        }
    }
}
