using System.Buffers;
using System.Buffers.Binary;
using System.Collections.ObjectModel;
using System.Text;

namespace Strata;

/// <summary>The metadata of a blob, an upload or a part, as it lies in the log. docs/formats/disk-store.md</summary>
/// <remarks>
/// <code>
///  0  u8   format, 1
///  1  u8   fields, see <see cref="Fields"/>
///  2  u16  zero
///  4  u32  CRC-32C of the payload
///  8  u64  version
/// 16  i64  created, Unix milliseconds
/// 24  i64  modified
/// where the payload is elsewhere:
/// 32  i64  its length
/// 40  u64  LSN of its entry; 0: that of this one
/// then, each if its field is there: expiry (i64), ETag, content type, content encoding, metadata
/// </code>
/// A text is its length (7 bits a byte, lowest first) and its UTF-8; metadata is the number of names, then name and value each.
/// </remarks>
internal static class DiskRecord
{
    public const byte Format = 1;
    private const int FixedBytes = 32, ElsewhereBytes = 16, OnStack = 512, MaxVarint = 5, MaxUtf8 = 3;

    [Flags]
    private enum Fields : byte
    {
        None = 0,

        /// <summary>The payload is not behind the metadata.</summary>
        Elsewhere = 1,

        /// <summary>The ETag is not that which follows from the version.</summary>
        ETag = 2,
        ContentType = 4,
        ContentEncoding = 8,
        Metadata = 16,

        /// <summary>The expiry is told here: that of the blob that an upload will become, not of the entry.</summary>
        Expires = 32,
    }

    /// <summary>What an entry with a blob's metadata expires at, Unix milliseconds; 0 = never.</summary>
    public static long ExpiryOf(BlobInfo info) => info.Expires is { } expires ? Math.Max(1, expires.ToUnixTimeMilliseconds()) : 0;

    /// <summary>Puts a blob whose payload, if any, follows its metadata.</summary>
    /// <returns>Bytes of the entry.</returns>
    public static int PutWhole(LogBatch batch, ReadOnlySpan<byte> key, BlobInfo info, in ReadOnlySequence<byte> payload) =>
        Put(batch, key, info, Fields.None, 0, payload, ExpiryOf(info), false);

    /// <summary>Puts a blob whose payload is an entry of its own.</summary>
    /// <param name="batch">Where to.</param>
    /// <param name="key">The key in the log.</param>
    /// <param name="info">The blob's.</param>
    /// <param name="payloadSequence">LSN of the payload's entry; 0: it is in this batch.</param>
    /// <returns>Bytes of the entry.</returns>
    public static int PutApart(LogBatch batch, ReadOnlySpan<byte> key, BlobInfo info, ulong payloadSequence) =>
        Put(batch, key, info, Fields.Elsewhere, payloadSequence, default, ExpiryOf(info), false);

    /// <summary>Puts an upload: the expiry is the blob's to be, and the entry stays until the upload ends.</summary>
    /// <returns>Bytes of the entry.</returns>
    public static int PutUpload(LogBatch batch, ReadOnlySpan<byte> key, BlobInfo session) =>
        Put(batch, key, session, session.Expires is null ? Fields.None : Fields.Expires, 0, default, 0, false);

    /// <summary>Puts a part of an upload: behind its metadata the reference to its file.</summary>
    /// <returns>Bytes of the entry.</returns>
    public static int PutPart(LogBatch batch, ReadOnlySpan<byte> key, BlobInfo part, ReadOnlyMemory<byte> reference) =>
        Put(batch, key, part, Fields.Elsewhere, 0, new ReadOnlySequence<byte>(reference), 0, true);

    /// <summary>Whether the payload is in an entry of its own.</summary>
    /// <exception cref="InvalidDataException">The record is of a format that this version does not read.</exception>
    public static bool IsApart(ReadOnlySpan<byte> record)
    {
        if (record.Length < FixedBytes || record[0] != Format) throw new InvalidDataException(record.IsEmpty ? "its metadata is empty" : $"its metadata has format {record[0]}, and this version of Strata reads format {Format}");
        return (record[1] & (byte)Fields.Elsewhere) != 0;
    }

    /// <summary>The LSN of the payload's entry.</summary>
    /// <param name="record">A record whose payload is apart.</param>
    /// <param name="own">LSN of the record's own entry.</param>
    public static ulong PayloadSequence(ReadOnlySpan<byte> record, ulong own) =>
        BinaryPrimitives.ReadUInt64LittleEndian(record[(FixedBytes + sizeof(long))..]) is var told and not 0 ? told : own;

    /// <summary>Length of the payload.</summary>
    /// <param name="record">A record whose payload is apart.</param>
    public static long PayloadLength(ReadOnlySpan<byte> record) => BinaryPrimitives.ReadInt64LittleEndian(record[FixedBytes..]);

    /// <summary>Reads a record.</summary>
    /// <param name="key">The blob's key, which the record does not hold.</param>
    /// <param name="record">The bytes.</param>
    /// <param name="expires">When the entry expires, Unix milliseconds; 0 = never.</param>
    /// <param name="payload">Bytes of the payload that follows it.</param>
    /// <exception cref="InvalidDataException">It is not what Strata writes.</exception>
    public static BlobInfo Read(BlobKey key, ReadOnlySpan<byte> record, long expires, long payload)
    {
        bool isApart = IsApart(record);
        var fields = (Fields)record[1];
        var version = new BlobVersion(BinaryPrimitives.ReadUInt64LittleEndian(record[8..]));
        ReadOnlySpan<byte> rest = record[(isApart ? FixedBytes + ElsewhereBytes : FixedBytes)..];
        if (fields.HasFlag(Fields.Expires))
        {
            expires = BinaryPrimitives.ReadInt64LittleEndian(rest);
            rest = rest[sizeof(long)..];
        }

        return new BlobInfo
        {
            Key = key,
            Length = isApart ? PayloadLength(record) : payload,
            Version = version,
            ETag = fields.HasFlag(Fields.ETag) ? ReadText(ref rest) : version.ToETag(),
            Created = Time(record[16..]),
            Modified = Time(record[24..]),
            Expires = expires == 0 ? null : DateTimeOffset.FromUnixTimeMilliseconds(expires),
            ContentType = fields.HasFlag(Fields.ContentType) ? ReadText(ref rest) : null,
            ContentEncoding = fields.HasFlag(Fields.ContentEncoding) ? ReadText(ref rest) : null,
            Checksum = BinaryPrimitives.ReadUInt32LittleEndian(record[4..]),
            Metadata = fields.HasFlag(Fields.Metadata) ? ReadMetadata(ref rest) : BlobInfo.NoMetadata,
        };
    }

    private static int Put(LogBatch batch, ReadOnlySpan<byte> key, BlobInfo info, Fields fields, ulong payloadSequence, in ReadOnlySequence<byte> body, long expires, bool isReference)
    {
        int most = MostBytes(info);
        byte[]? rented = most > OnStack ? ArrayPool<byte>.Shared.Rent(most) : null;
        Span<byte> record = rented ?? stackalloc byte[OnStack];
        record = record[..Write(record, info, fields, payloadSequence)];
        batch.Put(key, record, body, expires, isReference);
        int length = LogEntryHeader.LengthOf(key.Length, record.Length + (int)body.Length);
        if (rented is not null) ArrayPool<byte>.Shared.Return(rented);
        return length;
    }

    private static int Write(Span<byte> to, BlobInfo info, Fields fields, ulong payloadSequence)
    {
        if (info.ETag != info.Version.ToETag()) fields |= Fields.ETag;
        if (info.ContentType is not null) fields |= Fields.ContentType;
        if (info.ContentEncoding is not null) fields |= Fields.ContentEncoding;
        if (info.Metadata.Count > 0) fields |= Fields.Metadata;
        to[..FixedBytes].Clear();
        to[0] = Format;
        to[1] = (byte)fields;
        BinaryPrimitives.WriteUInt32LittleEndian(to[4..], info.Checksum ?? 0);
        BinaryPrimitives.WriteUInt64LittleEndian(to[8..], info.Version.Value);
        BinaryPrimitives.WriteInt64LittleEndian(to[16..], info.Created.ToUnixTimeMilliseconds());
        BinaryPrimitives.WriteInt64LittleEndian(to[24..], info.Modified.ToUnixTimeMilliseconds());
        int at = FixedBytes;
        if (fields.HasFlag(Fields.Elsewhere))
        {
            BinaryPrimitives.WriteInt64LittleEndian(to[at..], info.Length);
            BinaryPrimitives.WriteUInt64LittleEndian(to[(at + sizeof(long))..], payloadSequence);
            at += ElsewhereBytes;
        }

        if (fields.HasFlag(Fields.Expires))
        {
            BinaryPrimitives.WriteInt64LittleEndian(to[at..], ExpiryOf(info));
            at += sizeof(long);
        }

        if (fields.HasFlag(Fields.ETag)) WriteText(to, ref at, info.ETag);
        if (info.ContentType is { } type) WriteText(to, ref at, type);
        if (info.ContentEncoding is { } encoding) WriteText(to, ref at, encoding);
        if (info.Metadata.Count == 0) return at;
        WriteNumber(to, ref at, info.Metadata.Count);
        foreach ((string name, string value) in info.Metadata)
        {
            WriteText(to, ref at, name);
            WriteText(to, ref at, value);
        }

        return at;
    }

    private static int MostBytes(BlobInfo info)
    {
        int characters = info.ETag.Length + (info.ContentType?.Length ?? 0) + (info.ContentEncoding?.Length ?? 0), texts = 4;
        foreach ((string name, string value) in info.Metadata)
        {
            characters = checked(characters + name.Length + value.Length);
            texts += 2;
        }

        return checked(FixedBytes + ElsewhereBytes + sizeof(long) + (characters * MaxUtf8) + (texts * MaxVarint));
    }

    private static void WriteText(Span<byte> to, ref int at, string text)
    {
        WriteNumber(to, ref at, Encoding.UTF8.GetByteCount(text));
        at += Encoding.UTF8.GetBytes(text, to[at..]);
    }

    private static void WriteNumber(Span<byte> to, ref int at, int number)
    {
        for (uint left = (uint)number; ; left >>= 7)
        {
            if (left < 0x80)
            {
                to[at++] = (byte)left;
                return;
            }

            to[at++] = (byte)(left | 0x80);
        }
    }

    private static ReadOnlyDictionary<string, string> ReadMetadata(ref ReadOnlySpan<byte> from)
    {
        int count = ReadNumber(ref from);
        if (count > from.Length) throw Cut();
        var metadata = new Dictionary<string, string>(count, StringComparer.Ordinal);
        for (int i = 0; i < count; i++)
        {
            string name = ReadText(ref from);
            metadata[name] = ReadText(ref from);
        }

        return metadata.AsReadOnly();
    }

    private static string ReadText(ref ReadOnlySpan<byte> from)
    {
        int length = ReadNumber(ref from);
        if (length > from.Length) throw Cut();
        string text = Encoding.UTF8.GetString(from[..length]);
        from = from[length..];
        return text;
    }

    private static int ReadNumber(ref ReadOnlySpan<byte> from)
    {
        uint number = 0;
        for (int i = 0; i < MaxVarint && i < from.Length; i++)
        {
            number |= (uint)(from[i] & 0x7F) << (7 * i);
            if (from[i] >= 0x80) continue;
            from = from[(i + 1)..];
            return number <= int.MaxValue ? (int)number : throw Cut();
        }

        throw Cut();
    }

    private static DateTimeOffset Time(ReadOnlySpan<byte> from) => DateTimeOffset.FromUnixTimeMilliseconds(BinaryPrimitives.ReadInt64LittleEndian(from));

    private static InvalidDataException Cut() => new("its metadata is cut off");
}
