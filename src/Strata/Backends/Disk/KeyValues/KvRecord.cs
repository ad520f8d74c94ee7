using System.Buffers.Binary;

namespace Strata;

/// <summary>What stands before a value of the ordered KV in the log, and in a tombstone. docs/formats/key-values.md</summary>
/// <param name="Encoding">What the value's bytes are; None in a tombstone.</param>
/// <param name="Versionstamp">Of the commit.</param>
/// <param name="Written">When, Unix milliseconds: after a crash the last one says how late it was.</param>
internal readonly record struct KvRecord(KvEncoding Encoding, Versionstamp Versionstamp, long Written)
{
    public const int Bytes = 20;
    private const byte Format = 1;
    private const int StampAt = 2, WrittenAt = StampAt + Versionstamp.Bytes;

    /// <summary>Reads the head of an entry.</summary>
    /// <param name="head">The head.</param>
    /// <param name="name">The database's name in messages.</param>
    /// <exception cref="StorageException">Of kind Unsupported: a later version of Strata wrote it; Corrupt: none did.</exception>
    public static KvRecord Read(ReadOnlySpan<byte> head, string name)
    {
        if (head.Length > 0 && head[0] > Format) throw new StorageException(StorageErrorKind.Unsupported, $"An entry of the database '{name}' has format {head[0]}; this version of Strata reads format {Format}.") { Operation = "read", Store = name };
        if (head.Length != Bytes || head[0] != Format) throw new StorageException(StorageErrorKind.Corrupt, $"An entry of the database '{name}' is none of a KV database, though it matches its checksum.") { Operation = "read", Store = name };
        _ = Versionstamp.TryRead(head.Slice(StampAt, Versionstamp.Bytes), out Versionstamp stamp);
        return new KvRecord((KvEncoding)head[1], stamp, BinaryPrimitives.ReadInt64LittleEndian(head[WrittenAt..]));
    }

    public void Write(Span<byte> head)
    {
        head[0] = Format;
        head[1] = (byte)Encoding;
        Versionstamp.CopyTo(head[StampAt..]);
        BinaryPrimitives.WriteInt64LittleEndian(head[WrittenAt..], Written);
    }
}
