using System.Buffers.Binary;

namespace Strata.Sqlite;

/// <summary>An entry as a row of <c>kv_entries</c>.</summary>
internal static class SqliteKvRow
{
    /// <summary>What precedes the value in a row, so that whoever does not ask for it does not read it.</summary>
    public const string Head = "version, encoding, expires, checksum";

    /// <summary>Columns of <see cref="Head"/> within it.</summary>
    private const int Version = 0, Encoding = 1, Expires = 2, Checksum = 3, Value = 4;

    /// <summary>From when on the row is invisible, Unix milliseconds; null: never.</summary>
    public static long? ExpiresOf(SqliteStatement row, int head) => row.NullableInt64(head + Expires);

    /// <summary>Of which commit the row is, if it is not damaged.</summary>
    public static Versionstamp VersionOf(SqliteStatement row, int head) => new((ulong)row.Int64(head + Version));

    /// <summary>Reads the row that a statement stands on.</summary>
    /// <param name="row">The statement.</param>
    /// <param name="head">Where in it <see cref="Head"/> begins; the value comes after it.</param>
    /// <param name="key">The key.</param>
    /// <param name="keyOnly">Without the value, which the statement need not have.</param>
    /// <param name="session">The session.</param>
    public static KvEntry Read(SqliteStatement row, int head, ReadOnlyMemory<byte> key, bool keyOnly, SqliteSession session)
    {
        long version = row.Int64(head + Version), encoding = row.Int64(head + Encoding), checksum = row.Int64(head + Checksum);
        long? expires = ExpiresOf(row, head);
        ReadOnlySpan<byte> value = keyOnly ? default : row.Blob(head + Value);
        if ((uint)checksum != HeadChecksum(key.Span, version, encoding, expires) || (!keyOnly && (uint)(checksum >> 32) != Crc32C.Of(value)))
            throw SqliteErrors.Damaged("an entry does not match its checksum", session.Operation, session.Place);
        return new KvEntry(
            key,
            new KvValue(value.ToArray(), (KvEncoding)encoding),
            new Versionstamp((ulong)version),
            expires is { } at ? DateTimeOffset.FromUnixTimeMilliseconds(at) : null);
    }

    /// <summary>Binds key, <see cref="Head"/> and value to the parameters 1 to 6.</summary>
    public static void Bind(SqliteStatement put, KvEntry entry)
    {
        long version = (long)entry.Versionstamp.Counter, encoding = (long)entry.Value.Encoding;
        long? expires = entry.Expires?.ToUnixTimeMilliseconds();
        ReadOnlySpan<byte> value = entry.Value.Data.Span;
        put.Bind(1, entry.Key.Span);
        put.Bind(2, version);
        put.Bind(3, encoding);
        put.Bind(4, expires);
        put.Bind(5, ((long)Crc32C.Of(value) << 32) | HeadChecksum(entry.Key.Span, version, encoding, expires));
        put.Bind(6, value);
    }

    private static uint HeadChecksum(ReadOnlySpan<byte> key, long version, long encoding, long? expires)
    {
        Span<byte> numbers = stackalloc byte[3 * sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(numbers, version);
        BinaryPrimitives.WriteInt64LittleEndian(numbers[8..], encoding);
        BinaryPrimitives.WriteInt64LittleEndian(numbers[16..], expires ?? long.MinValue);
        var sum = default(Crc32C);
        sum.Append(key);
        sum.Append(numbers);
        return sum.Value;
    }
}
