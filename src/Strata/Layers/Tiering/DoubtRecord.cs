using System.Text;

namespace Strata;

/// <summary>The row of a key in doubt, as docs/formats/tier-state.md has it.</summary>
internal static class DoubtRecord
{
    private const byte Format = 1;

    public static byte[] Write(Doubt doubt)
    {
        using var stream = new MemoryStream();
        using (var writer = new BinaryWriter(stream, Encoding.UTF8))
        {
            writer.Write(Format);
            writer.Write((byte)doubt.Pending);
            writer.Write((byte)doubt.Intention);
            writer.Write(doubt.IsFollowed);
            writer.Write(doubt.Since.ToUnixTimeMilliseconds());
            writer.Write(doubt.Version.Value);
            writer.Write(doubt.Parts);
            if (doubt.Intention == LastIntention.Write) WriteInfo(writer, doubt.Info!);
        }

        return stream.ToArray();
    }

    /// <exception cref="StorageException">Of kind Corrupt: it has not this form.</exception>
    public static Doubt Read(BlobKey key, ReadOnlyMemory<byte> row, string database)
    {
        try
        {
            using var reader = new BinaryReader(new MemoryStream(row.ToArray()), Encoding.UTF8);
            if (reader.ReadByte() is var format && format != Format) throw new InvalidDataException($"its format is {format}, and this version reads {Format}");
            var pending = (PendingChanges)reader.ReadByte();
            var intention = (LastIntention)reader.ReadByte();
            bool isFollowed = reader.ReadBoolean();
            var since = DateTimeOffset.FromUnixTimeMilliseconds(reader.ReadInt64());
            var version = new BlobVersion(reader.ReadUInt64());
            int parts = reader.ReadInt32();
            if (intention > LastIntention.Delete || parts < 0) throw new InvalidDataException("a field is out of its range");
            return new Doubt
            {
                Key = key, Pending = pending, Intention = intention, IsFollowed = isFollowed, Since = since, Version = version, Parts = parts,
                Info = intention == LastIntention.Write ? ReadInfo(reader, key, version) : null,
            };
        }
        catch (Exception e) when (e is InvalidDataException or IOException or ArgumentException)
        {
            throw StorageException.Corrupt("open", key, database, $"its row of a change of unknown outcome cannot be read: {e.Message}", e);
        }
    }

    private static void WriteInfo(BinaryWriter writer, BlobInfo info)
    {
        writer.Write(info.ETag);
        writer.Write(info.Length);
        writer.Write(info.Created.ToUnixTimeMilliseconds());
        writer.Write(info.Modified.ToUnixTimeMilliseconds());
        WriteOptional(info.Expires is not null, () => writer.Write(info.Expires!.Value.ToUnixTimeMilliseconds()));
        WriteOptional(info.ContentType is not null, () => writer.Write(info.ContentType!));
        WriteOptional(info.ContentEncoding is not null, () => writer.Write(info.ContentEncoding!));
        WriteOptional(info.Checksum is not null, () => writer.Write(info.Checksum!.Value));
        writer.Write(info.Metadata.Count);
        foreach ((string name, string value) in info.Metadata)
        {
            writer.Write(name);
            writer.Write(value);
        }

        void WriteOptional(bool isThere, Action write)
        {
            writer.Write(isThere);
            if (isThere) write();
        }
    }

    private static BlobInfo ReadInfo(BinaryReader reader, BlobKey key, BlobVersion version)
    {
        string etag = reader.ReadString();
        long length = reader.ReadInt64();
        DateTimeOffset created = ReadTime(), modified = ReadTime();
        DateTimeOffset? expires = reader.ReadBoolean() ? ReadTime() : null;
        string? type = reader.ReadBoolean() ? reader.ReadString() : null, encoding = reader.ReadBoolean() ? reader.ReadString() : null;
        uint? checksum = reader.ReadBoolean() ? reader.ReadUInt32() : null;
        int count = reader.ReadInt32();
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        for (int i = 0; i < count; i++) metadata[reader.ReadString()] = reader.ReadString();
        return new BlobInfo
        {
            Key = key, ETag = etag, Length = length, Version = version, Created = created, Modified = modified, Expires = expires, ContentType = type, ContentEncoding = encoding,
            Checksum = checksum, Metadata = metadata,
        };

        DateTimeOffset ReadTime() => DateTimeOffset.FromUnixTimeMilliseconds(reader.ReadInt64());
    }
}
