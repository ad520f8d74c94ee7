using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Strata;

/// <summary>
/// Goes through the entries of one segment in ascending order of their keys, each key's latest once: a source of a
/// <see cref="LogMerge"/>.
/// </summary>
internal abstract unsafe class LogCursor(uint incarnation) : IDisposable
{
    /// <summary>The segment.</summary>
    public uint Incarnation { get; } = incarnation;

    /// <summary>So many first bytes all keys have in common, at least.</summary>
    public abstract int SharedBytes { get; }

    /// <summary>The key; valid until the next call of <see cref="MoveNext"/>.</summary>
    public ReadOnlySpan<byte> Key
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => new(KeyAt, KeyLength);
    }

    /// <summary>The LSN of the commit that wrote the entry.</summary>
    public ulong Sequence { get; protected set; }

    /// <summary>Where the entry is.</summary>
    public LogLocation Location { get; protected set; }

    /// <summary>Unix milliseconds; 0 = never.</summary>
    public long Expires { get; protected set; }

    protected byte* KeyAt { get; set; }

    protected int KeyLength { get; set; }

    /// <summary>Goes to the next entry. False: there is none.</summary>
    /// <exception cref="IOException">The file cannot be read any more.</exception>
    /// <exception cref="StorageException">Of kind Corrupt: the file changed since it was found right.</exception>
    public abstract bool MoveNext();

    public abstract void Dispose();

    /// <summary>Eight bytes of a key as a number that orders as they do.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static ulong HeadOf(ReadOnlySpan<byte> key, int from) =>
        key.Length - from >= sizeof(ulong) ? BinaryPrimitives.ReadUInt64BigEndian(key[from..]) : HeadOfFew(key[from..]);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static ulong HeadOfFew(ReadOnlySpan<byte> rest)
    {
        ulong head = 0;
        for (int i = 0; i < rest.Length; i++) head |= (ulong)rest[i] << (56 - (8 * i));
        return head;
    }
}
