using System.Text;

namespace Strata;

/// <summary>The rows of placement, as docs/formats/tier-state.md has them.</summary>
internal static class PlacementRecord
{
    private const byte Format = 1;
    private const long None = long.MinValue;

    public static byte[] Write(PlacedBlob blob) => Row(writer =>
    {
        writer.Write(blob.Home);
        writer.Write(blob.AtHome.Value);
        writer.Write(blob.Info.Version.Value);
        BlobInfoRecord.Write(writer, blob.Info);
    });

    /// <exception cref="StorageException">Of kind Corrupt: it has not this form.</exception>
    public static PlacedBlob ReadBlob(BlobKey key, ReadOnlyMemory<byte> row, string database) => Parse(key, row, database, reader =>
    {
        string home = reader.ReadString();
        var atHome = new BlobVersion(reader.ReadUInt64());
        return new PlacedBlob(home, BlobInfoRecord.Read(reader, key, new BlobVersion(reader.ReadUInt64())), atHome);
    });

    public static byte[] Write(BlobVersion tombstone) => Row(writer => writer.Write(tombstone.Value));

    /// <exception cref="StorageException">Of kind Corrupt: it has not this form.</exception>
    public static BlobVersion ReadTombstone(BlobKey key, ReadOnlyMemory<byte> row, string database) =>
        Parse(key, row, database, reader => new BlobVersion(reader.ReadUInt64()));

    public static byte[] Write(PlacementIntent intent) => Row(writer =>
    {
        writer.Write(intent.Leftovers.Count);
        foreach (Leftover leftover in intent.Leftovers)
        {
            writer.Write(leftover.Tier);
            writer.Write(leftover.Version.Value);
            Write(writer, leftover.PendingUntil);
        }

        writer.Write(intent.Change is not null);
        if (intent.Change is not { } change) return;
        writer.Write((byte)change.Kind);
        writer.Write(change.From ?? "");
        writer.Write(change.To);
        writer.Write(change.Version.Value);
        writer.Write(change.Length);
        writer.Write(change.Checksum is not null);
        writer.Write(change.Checksum ?? 0);
        writer.Write(change.KeepsETag);
        writer.Write((byte)change.State);
        Write(writer, change.Began);
        Write(writer, change.PendingUntil);
    });

    /// <exception cref="StorageException">Of kind Corrupt: it has not this form.</exception>
    public static PlacementIntent ReadIntent(BlobKey key, ReadOnlyMemory<byte> row, string database) => Parse(key, row, database, reader =>
    {
        int count = reader.ReadInt32();
        if (count is < 0 or > 1000) throw new InvalidDataException("a count is out of its range");
        var leftovers = new List<Leftover>();
        for (int i = 0; i < count; i++) leftovers.Add(new Leftover(reader.ReadString(), new BlobVersion(reader.ReadUInt64()), ReadTime(reader)));
        return new PlacementIntent { Key = key, Leftovers = leftovers, Change = reader.ReadBoolean() ? ReadChange(reader) : null };
    });

    /// <summary>Which tiers an upload's caller has named.</summary>
    public static byte[] WriteWish(WriteOptions options) => Row(writer =>
    {
        writer.Write(options.Tier ?? "");
        WriteNames(writer, options.SkipTiers);
        WriteNames(writer, options.OnlyTiers);
    });

    /// <exception cref="StorageException">Of kind Corrupt: it has not this form.</exception>
    public static WriteOptions ReadWish(ReadOnlyMemory<byte> row, string database) => Parse(default, row, database, reader => new WriteOptions
    {
        Tier = reader.ReadString() is { Length: > 0 } tier ? tier : null, SkipTiers = ReadNames(reader), OnlyTiers = ReadNames(reader),
    });

    private static void WriteNames(BinaryWriter writer, IReadOnlyCollection<string>? names)
    {
        writer.Write(names?.Count ?? -1);
        foreach (string name in names ?? []) writer.Write(name);
    }

    private static string[]? ReadNames(BinaryReader reader)
    {
        int count = reader.ReadInt32();
        if (count is < -1 or > 1000) throw new InvalidDataException("a count is out of its range");
        if (count == -1) return null;
        string[] names = new string[count];
        for (int i = 0; i < count; i++) names[i] = reader.ReadString();
        return names;
    }

    private static PlacementChange ReadChange(BinaryReader reader)
    {
        var kind = (PlacementChangeKind)reader.ReadByte();
        string from = reader.ReadString(), to = reader.ReadString();
        var version = new BlobVersion(reader.ReadUInt64());
        long length = reader.ReadInt64();
        bool isSummed = reader.ReadBoolean();
        uint sum = reader.ReadUInt32();
        bool keepsETag = reader.ReadBoolean();
        var state = (MoveState)reader.ReadByte();
        if (kind is < PlacementChangeKind.Write or > PlacementChangeKind.Move || state > MoveState.Published) throw new InvalidDataException("a field is out of its range");
        return new PlacementChange
        {
            Kind = kind, From = from.Length == 0 ? null : from, To = to, Version = version, Length = length, Checksum = isSummed ? sum : null, KeepsETag = keepsETag, State = state,
            Began = ReadTime(reader) ?? throw new InvalidDataException("a time is missing"), PendingUntil = ReadTime(reader),
        };
    }

    private static void Write(BinaryWriter writer, DateTimeOffset? time) => writer.Write(time?.ToUnixTimeMilliseconds() ?? None);

    private static DateTimeOffset? ReadTime(BinaryReader reader) => reader.ReadInt64() is var time && time == None ? null : DateTimeOffset.FromUnixTimeMilliseconds(time);

    private static byte[] Row(Action<BinaryWriter> write)
    {
        using var stream = new MemoryStream();
        using (var writer = new BinaryWriter(stream, Encoding.UTF8))
        {
            writer.Write(Format);
            write(writer);
        }

        return stream.ToArray();
    }

    private static T Parse<T>(BlobKey key, ReadOnlyMemory<byte> row, string database, Func<BinaryReader, T> read)
    {
        try
        {
            using var reader = new BinaryReader(new MemoryStream(row.ToArray()), Encoding.UTF8);
            if (reader.ReadByte() is var format && format != Format) throw new InvalidDataException($"its format is {format}, and this version reads {Format}");
            return read(reader);
        }
        catch (Exception e) when (e is InvalidDataException or IOException or ArgumentException)
        {
            throw StorageException.Corrupt("read", key, database, $"its row of placement cannot be read: {e.Message}", e);
        }
    }
}
