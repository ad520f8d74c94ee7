using System.Buffers.Binary;

namespace Strata.Sqlite;

/// <summary>The row that every commit rewrites.</summary>
/// <param name="Last">The last versionstamp issued.</param>
/// <param name="Seen">How late it was then: Unix milliseconds, never less than before.</param>
internal readonly record struct SqliteKvState(Versionstamp Last, long Seen)
{
    public const string Select = "SELECT version, seen, checksum FROM kv_state WHERE id = 1";
    public const string Update = "UPDATE kv_state SET version = ?1, seen = ?2, checksum = ?3 WHERE id = 1";

    private long Checksum
    {
        get
        {
            Span<byte> bytes = stackalloc byte[2 * sizeof(ulong)];
            BinaryPrimitives.WriteUInt64LittleEndian(bytes, Last.Counter);
            BinaryPrimitives.WriteInt64LittleEndian(bytes[sizeof(ulong)..], Seen);
            return Crc32C.Of(bytes);
        }
    }

    /// <param name="select"><see cref="Select"/>, prepared.</param>
    /// <param name="session">Its session.</param>
    public static SqliteKvState Read(SqliteStatement select, SqliteSession session)
    {
        try
        {
            if (!select.Step()) throw SqliteErrors.Damaged("the row of its state is missing", session.Operation, session.Place);
            var state = new SqliteKvState(new Versionstamp((ulong)select.Int64(0)), select.Int64(1));
            return state.Checksum == select.Int64(2) ? state : throw SqliteErrors.Damaged("the row of its state does not match its checksum", session.Operation, session.Place);
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
        update.Bind(2, Seen);
        update.Bind(3, Checksum);
        update.Run();
    }
}
