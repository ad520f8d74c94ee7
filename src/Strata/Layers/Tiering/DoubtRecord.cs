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
            writer.Write((byte)(((int)doubt.FollowedBy << 1) | (doubt.FollowedBy == PendingChanges.None ? 0 : 1)));
            writer.Write(doubt.Since.ToUnixTimeMilliseconds());
            writer.Write(doubt.Version.Value);
            writer.Write(doubt.Parts);
            if (doubt.Intention == LastIntention.Write) BlobInfoRecord.Write(writer, doubt.Info!);
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
            PendingChanges followedBy = reader.ReadByte() switch { 0 => PendingChanges.None, 1 => PendingChanges.Write | PendingChanges.Delete, var kinds => (PendingChanges)(kinds >> 1) };
            var since = DateTimeOffset.FromUnixTimeMilliseconds(reader.ReadInt64());
            var version = new BlobVersion(reader.ReadUInt64());
            int parts = reader.ReadInt32();
            if (intention > LastIntention.Delete || parts < 0) throw new InvalidDataException("a field is out of its range");
            return new Doubt
            {
                Key = key, Pending = pending, Intention = intention, FollowedBy = followedBy, Since = since, Version = version, Parts = parts,
                Info = intention == LastIntention.Write ? BlobInfoRecord.Read(reader, key, version) : null,
            };
        }
        catch (Exception e) when (e is InvalidDataException or IOException or ArgumentException)
        {
            throw StorageException.Corrupt("open", key, database, $"its row of a change of unknown outcome cannot be read: {e.Message}", e);
        }
    }
}
