using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace Strata;

/// <summary>
/// An entry of the memory store, and itself the read result: a hit hands it out and allocates nothing. Key, payload and
/// metadata never change, so a result outlives overwrite, delete and eviction; links and marks are the store's.
/// </summary>
/// <remarks>
/// Its place in a chain, in a queue and in the order of use are fields of its own: 72 bytes an entry besides the array, and
/// no node anywhere else. <see cref="Info"/> is made on demand.
/// </remarks>
internal sealed class MemoryBlob : BlobReadResult
{
    /// <summary>What the object takes on the heap.</summary>
    public const int HeapBytes = 72;

    /// <summary>Reads are counted no further.</summary>
    public const int MostUses = 15;

    private const int KindShift = 11;
    private const int KeyLengthMask = (1 << KindShift) - 1;
    private readonly byte[] _bytes;
    private readonly MemoryDetails _details;
    private readonly ulong _version;
    private readonly uint _hash;
    private readonly uint _checksum;
    private readonly int _length;
    private readonly ushort _keyLengthAndKind;
    private MemoryBlob? _next;
    private uint _lastUse;
    private byte _uses;

    /// <summary>An entry that holds a blob.</summary>
    public MemoryBlob(MemoryPayload payload, BlobInfo info, MemoryDetails plain, uint minute)
        : this(payload, info.Key.Hash, info.Version, MemoryDetails.Of(info, plain), minute)
    {
        _checksum = info.Checksum ?? 0;
        if (_details.ExpiresTicks != MemoryDetails.Never) _keyLengthAndKind |= (ushort)((int)Kind.Expiring << KindShift);
    }

    private MemoryBlob(MemoryPayload payload, int hash, BlobVersion version, MemoryDetails details, uint minute)
    {
        _bytes = payload.Bytes;
        _length = payload.Length;
        _keyLengthAndKind = (ushort)payload.KeyLength;
        _hash = (uint)hash;
        _version = version.Value;
        _details = details;
        _lastUse = minute;
    }

    /// <summary>An entry that holds nothing but the version of a delete.</summary>
    public static MemoryBlob Tombstone(BlobKey key, BlobVersion version, MemoryDetails plain, uint minute) =>
        new(MemoryPayload.Allocate(key, 0), key.Hash, version, plain, minute, Kind.Tombstone);

    private MemoryBlob(MemoryPayload payload, int hash, BlobVersion version, MemoryDetails details, uint minute, Kind kind)
        : this(payload, hash, version, details, minute) => _keyLengthAndKind |= (ushort)((int)kind << KindShift);

    private enum Kind
    {
        Plain,
        Expiring,
        Tombstone,
    }

    public override BlobInfo Info
    {
        get
        {
            DateTimeOffset time = Version.Time;
            return _details.Complete(new BlobInfo
            {
                Key = Key, Length = _length, ETag = Version.ToETag(), Version = Version, Created = time, Modified = time, Checksum = _checksum,
            });
        }
    }

    public override string Source => _details.Source;

    public override long Length => _length;

    public BlobKey Key => BlobKey.Restore(Encoding.UTF8.GetString(Name), (int)_hash);

    /// <summary>The key's text in UTF-8.</summary>
    public ReadOnlySpan<byte> Name => MemoryMarshal.CreateReadOnlySpan(ref MemoryMarshal.GetArrayDataReference(_bytes), KeyLength);

    public uint Hash => _hash;

    public BlobVersion Version => new(_version);

    public uint Checksum => _checksum;

    public MemoryDetails Details => _details;

    public MemoryPayload Payload => MemoryPayload.Shared(_bytes, KeyLength);

    /// <summary>Bytes that count against the capacity.</summary>
    public long Size => HeapBytes + HeapSize.OfBytes(_bytes.Length) + _details.HeapBytes;

    public bool IsTombstone => _keyLengthAndKind >> KindShift == (int)Kind.Tombstone;

    public bool Expires => _keyLengthAndKind >> KindShift == (int)Kind.Expiring;

    /// <summary>True if it is visible whatever the time is.</summary>
    public bool IsPlain => _keyLengthAndKind <= KeyLengthMask;

    /// <summary>The next entry of its chain. Stays when the entry is taken out, so that a reader that stands here goes on.</summary>
    public MemoryBlob? Next
    {
        get => Volatile.Read(ref _next);
        set => Volatile.Write(ref _next, value);
    }

    /// <summary>Which queue it is in.</summary>
    public MemoryPlace Place { get; set; }

    /// <summary>Where in that queue.</summary>
    public int Slot { get; set; }

    /// <summary>Reads, up to <see cref="MostUses"/>, since eviction last looked at it.</summary>
    public int Uses => _uses;

    /// <summary>The minute of the last read, or of the write.</summary>
    public uint LastUse => _lastUse;

    private int KeyLength => _keyLengthAndKind & KeyLengthMask;

    /// <summary>True if it is the entry of this key.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Is(uint hash, string key) => _hash == hash && HasName(key);

    /// <summary>Reads the clock only where an expiry is set.</summary>
    public bool IsVisible(TimeProvider clock) => IsPlain || (Expires && clock.GetUtcNow().UtcTicks < _details.ExpiresTicks);

    public bool IsVisibleAt(long ticks) => IsPlain || (Expires && ticks < _details.ExpiresTicks);

    /// <summary>
    /// Notes a read: two marks that are written only while they change, so that readers of a hot entry share its line. A
    /// count that two readers raise at once may rise by one.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void NoteUse(uint minute)
    {
        byte uses = _uses;
        if (uses < MostUses) _uses = (byte)(uses + 1);
        if (_lastUse != minute) _lastUse = minute;
    }

    /// <summary>Sets what eviction leaves of the count.</summary>
    public void ResetUses(int uses) => _uses = (byte)uses;

    /// <summary>Takes over the marks of the entry that it replaces.</summary>
    public void InheritUses(MemoryBlob replaced) => _uses = replaced._uses;

    public override bool TryGetSequence(out ReadOnlySequence<byte> sequence)
    {
        sequence = new ReadOnlySequence<byte>(_bytes, KeyLength, _length);
        return true;
    }

    public override Stream OpenStream() => new MemoryStream(_bytes, KeyLength, _length, writable: false);

    /// <summary>A part of the blob, without a copy.</summary>
    public BlobReadResult Slice(long offset, long length) => new Part(this, offset, length);

    private bool HasName(string key)
    {
        ReadOnlySpan<byte> name = Name;

        // Characters and bytes are as many only where all are ASCII.
        return name.Length == key.Length ? Ascii.Equals(name, key) : name.Length > key.Length && IsTranscoded(name, key);
    }

    private static bool IsTranscoded(ReadOnlySpan<byte> name, string key)
    {
        Span<byte> text = stackalloc byte[BlobKey.MaxBytes];
        return text[..Encoding.UTF8.GetBytes(key, text)].SequenceEqual(name);
    }

    private sealed class Part(MemoryBlob blob, long offset, long length) : BlobReadResult
    {
        public override BlobInfo Info { get; } = blob.Info;

        public override long Offset => offset;

        public override long Length => length;

        public override string Source => blob.Source;

        public override bool TryGetSequence(out ReadOnlySequence<byte> sequence)
        {
            sequence = new ReadOnlySequence<byte>(blob._bytes, blob.KeyLength + (int)offset, (int)length);
            return true;
        }

        public override Stream OpenStream() => new MemoryStream(blob._bytes, blob.KeyLength + (int)offset, (int)length, writable: false);
    }
}
