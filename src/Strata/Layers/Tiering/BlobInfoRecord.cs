namespace Strata;

/// <summary>A blob's metadata without its key and version, as rows have it (docs/formats/tier-state.md).</summary>
internal static class BlobInfoRecord
{
    public static void Write(BinaryWriter writer, BlobInfo info)
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

    public static BlobInfo Read(BinaryReader reader, BlobKey key, BlobVersion version)
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
            Checksum = checksum, Metadata = NewBlob.Copy(metadata),
        };

        DateTimeOffset ReadTime() => DateTimeOffset.FromUnixTimeMilliseconds(reader.ReadInt64());
    }
}
