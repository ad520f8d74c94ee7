using System.Buffers.Binary;

namespace Strata.Sqlite;

/// <summary>The row that every commit rewrites.</summary>
/// <param name="Last">The last versionstamp issued.</param>
/// <param name="Seen">How late it was then, in whole milliseconds; never earlier than before.</param>
internal readonly record struct SqliteKvState(Versionstamp Last, DateTimeOffset Seen)
{
    public const string Select = "SELECT version, seen, checksum FROM kv_state WHERE id = 1";
    public const string Update = "UPDATE kv_state SET version = ?1, seen = ?2, checksum = ?3 WHERE id = 1";

    /// <param name="select"><see cref="Select"/>, prepared.</param>
    /// <param name="session">Its session.</param>
    public static SqliteKvState Read(SqliteStatement select, SqliteSession session)
    {
        try
        {
            if (!select.Step()) throw SqliteErrors.Damaged("the row of its state is missing", session.Operation, session.Place);
            (long version, long seen) = (select.Int64(0), select.Int64(1));
            return ChecksumOf((ulong)version, seen) == select.Int64(2)
                ? new SqliteKvState(new Versionstamp((ulong)version), DateTimeOffset.FromUnixTimeMilliseconds(seen))
                : throw SqliteErrors.Damaged("the row of its state does not match its checksum", session.Operation, session.Place);
        }
        finally
        {
            select.Reset();
        }
    }

    /// <param name="update"><see cref="Update"/>, prepared.</param>
    public void Write(SqliteStatement update)
    {
        update.Bind(1, (long)Last.Counter);
        update.Bind(2, Seen.ToUnixTimeMilliseconds());
        update.Bind(3, ChecksumOf(Last.Counter, Seen.ToUnixTimeMilliseconds()));
        update.Run();
    }

    private static long ChecksumOf(ulong version, long seen)
    {
        Span<byte> bytes = stackalloc byte[2 * sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, version);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[sizeof(ulong)..], seen);
        return Crc32C.Of(bytes);
    }
}
