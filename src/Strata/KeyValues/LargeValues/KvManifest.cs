using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Strata;

/// <summary>
/// What stands in the place of a value that was split: which chunks it is, and what they come to. 46 bytes, told in
/// docs/formats/kv-large-values.md.
/// </summary>
internal sealed record KvManifest
{
    /// <summary>Its length.</summary>
    public const int Bytes = 46;

    private const int IdBytes = 16, ChunkKeyBytes = 3 + IdBytes + sizeof(uint);
    private const byte Version = 1, Own = (byte)'L';

    private static ReadOnlySpan<byte> Magic => [0xFF, (byte)'S', (byte)'T', (byte)'R', (byte)'L', (byte)'V', 0x0D, 0x0A];

    private byte[] Id { get; init; } = [];

    /// <summary>What the whole value is.</summary>
    public KvEncoding Encoding { get; private init; }

    /// <summary>Bytes of the whole value.</summary>
    public long Length { get; private init; }

    /// <summary>How many chunks there are.</summary>
    public int Chunks { get; private init; }

    /// <summary>CRC-32C of the whole value.</summary>
    public uint Checksum { get; private init; }

    /// <summary>Written by every commit that splits a value: where it is absent, the database holds no chunk.</summary>
    public static ReadOnlyMemory<byte> MarkerKey { get; } = new byte[] { KvReserved.First, Own, (byte)'m' };

    /// <summary>Where the records begin that say which keys have chunks.</summary>
    public static ReadOnlyMemory<byte> OwnersStart { get; } = new byte[] { KvReserved.First, Own, (byte)'o' };

    /// <summary>Where they end.</summary>
    public static ReadOnlyMemory<byte> OwnersEnd { get; } = new byte[] { KvReserved.First, Own, (byte)'o' + 1 };

    /// <summary>A new one, with an id that no other has.</summary>
    public static KvManifest New(KvEncoding encoding, ReadOnlySpan<byte> value, int chunkBytes) => new()
    {
        Id = RandomNumberGenerator.GetBytes(IdBytes),
        Encoding = encoding,
        Length = value.Length,
        Chunks = Math.Max(1, (int)(((long)value.Length + chunkBytes - 1) / chunkBytes)),
        Checksum = Crc32C.Of(value),
    };

    /// <summary>The record of which chunks a key has: beside the key, so that it is found where the key was overwritten.</summary>
    public static ReadOnlyMemory<byte> OwnerKey(ReadOnlyMemory<byte> key) => (byte[])[.. OwnersStart.Span, .. key.Span];

    /// <summary>The key that an owner's record is about.</summary>
    public static ReadOnlyMemory<byte> KeyOfOwner(ReadOnlyMemory<byte> owner) => owner[OwnersStart.Length..];

    /// <summary>Whether a value begins as a manifest does: such a value of a user's is split however short it is, so that it is not taken for one.</summary>
    public static bool IsLike(KvEncoding encoding, ReadOnlySpan<byte> value) => encoding == KvEncoding.Bytes && value.StartsWith(Magic);

    /// <summary>Reads one.</summary>
    /// <returns>Null: the value is no manifest, but itself.</returns>
    /// <exception cref="FormatException">It is a damaged one, or one of a later version.</exception>
    public static KvManifest? Read(KvValue value)
    {
        ReadOnlySpan<byte> bytes = value.Data.Span;
        if (!IsLike(value.Encoding, bytes)) return null;
        if (bytes.Length > Magic.Length && bytes[Magic.Length] != Version) throw new FormatException($"the manifest of a large value has version {bytes[Magic.Length]}, and this program reads {Version}");
        if (bytes.Length != Bytes || BinaryPrimitives.ReadUInt32LittleEndian(bytes[42..]) != Crc32C.Of(bytes[..42])) throw new FormatException("the manifest of a large value is damaged");
        var manifest = new KvManifest
        {
            Encoding = (KvEncoding)bytes[9],
            Id = bytes.Slice(10, IdBytes).ToArray(),
            Length = BinaryPrimitives.ReadInt64LittleEndian(bytes[26..]),
            Chunks = BinaryPrimitives.ReadInt32LittleEndian(bytes[34..]),
            Checksum = BinaryPrimitives.ReadUInt32LittleEndian(bytes[38..]),
        };

        // Whoever can write to the database can write this: no length of it is believed.
        bool isSound = manifest.Length is >= 0 and <= KvLargeValues.MaxBytes && manifest.Chunks is >= 1 and <= KvLargeValues.MaxBytes && manifest.Encoding is KvEncoding.V8 or KvEncoding.Bytes or KvEncoding.Le64;
        return isSound ? manifest : throw new FormatException("the manifest of a large value is damaged");
    }

    /// <summary>The value that stands in the place.</summary>
    public KvValue ToValue()
    {
        byte[] bytes = new byte[Bytes];
        Magic.CopyTo(bytes);
        bytes[8] = Version;
        bytes[9] = (byte)Encoding;
        Id.CopyTo(bytes, 10);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(26), Length);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(34), Chunks);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(38), Checksum);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(42), Crc32C.Of(bytes.AsSpan(0, 42)));
        return KvValue.OfBytes(bytes);
    }

    /// <summary>The key of a chunk.</summary>
    /// <param name="index">From 0; the number of chunks: where they end.</param>
    public ReadOnlyMemory<byte> ChunkKey(int index)
    {
        byte[] key = new byte[ChunkKeyBytes];
        (key[0], key[1], key[2]) = (KvReserved.First, Own, (byte)'c');
        Id.CopyTo(key, 3);
        BinaryPrimitives.WriteInt32BigEndian(key.AsSpan(3 + IdBytes), index);
        return key;
    }

    /// <summary>Whether both are of the same chunks.</summary>
    public bool IsOf(KvManifest? other) => other is not null && Id.AsSpan().SequenceEqual(other.Id);
}
