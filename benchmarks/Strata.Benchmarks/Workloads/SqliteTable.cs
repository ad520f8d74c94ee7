using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Strata.Benchmarks;

/// <summary>
/// SQLite as a careful program uses it for values under keys: a write-ahead log, prepared statements, its file mapped.
/// One caller at a time.
/// </summary>
internal sealed class SqliteTable : IDisposable
{
    /// <summary>The most that it takes, 2 GiB.</summary>
    private const long MappedBytes = 0x7FFF_0000;

    private readonly SqliteConnection _connection;
    private readonly SqliteCommand _put;
    private readonly SqliteCommand _get;
    private readonly SqliteCommand _scan;

    /// <param name="path">Created if it is missing.</param>
    /// <param name="synchronous">
    /// What a power cut may take: <c>FULL</c> nothing, <c>NORMAL</c> the latest commits, as the log without flushes, <c>OFF</c>
    /// the database.
    /// </param>
    /// <param name="clustered">
    /// Values lie in the order of their keys (<c>WITHOUT ROWID</c>), which is faster for short ones and for scans. Else rows
    /// have an index beside them, which is faster for puts and gets of 1 KiB.
    /// </param>
    public SqliteTable(string path, string synchronous, bool clustered = false)
    {
        _ = SqliteLibrary.Name;
        _connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        _connection.Open();
        Execute($"PRAGMA journal_mode=WAL; PRAGMA synchronous={synchronous}; PRAGMA mmap_size={MappedBytes}");
        Execute($"CREATE TABLE IF NOT EXISTS entries(key BLOB {(clustered ? "PRIMARY KEY" : "UNIQUE")} NOT NULL, value BLOB NOT NULL){(clustered ? " WITHOUT ROWID" : "")}");
        _put = Prepare("INSERT INTO entries(key, value) VALUES($key, $value) ON CONFLICT(key) DO UPDATE SET value = excluded.value", Blob("$key"), Blob("$value"));
        _get = Prepare("SELECT value FROM entries WHERE key = $key", Blob("$key"));
        _scan = Prepare("SELECT value FROM entries WHERE key >= $key ORDER BY key LIMIT $limit", Blob("$key"), new SqliteParameter("$limit", SqliteType.Integer));
    }

    public void Put(byte[] key, byte[] value)
    {
        _put.Parameters[0].Value = key;
        _put.Parameters[1].Value = value;
        Sink.Expect(_put.ExecuteNonQuery(), 1);
    }

    /// <summary>Puts keys of the same value in one transaction.</summary>
    public void PutAll(IEnumerable<byte[]> keys, byte[] value)
    {
        using SqliteTransaction transaction = _connection.BeginTransaction();
        _put.Transaction = transaction;
        foreach (byte[] key in keys) Put(key, value);
        transaction.Commit();
        _put.Transaction = null;
    }

    /// <summary>The sum of a value's bytes, each touched where SQLite has them.</summary>
    public long Get(byte[] key)
    {
        _get.Parameters[0].Value = key;
        using SqliteDataReader reader = _get.ExecuteReader();
        return reader.Read() ? Sink.Sum(raw.sqlite3_column_blob(reader.Handle, 0)) : 0;
    }

    /// <summary>The sum of the bytes of values in the order of their keys, each touched where SQLite has them.</summary>
    public long Scan(byte[] from, int limit)
    {
        _scan.Parameters[0].Value = from;
        _scan.Parameters[1].Value = limit;
        using SqliteDataReader reader = _scan.ExecuteReader();
        long sum = 0;
        while (reader.Read()) sum += Sink.Sum(raw.sqlite3_column_blob(reader.Handle, 0));
        return sum;
    }

    public long Count()
    {
        using SqliteCommand count = _connection.CreateCommand();
        count.CommandText = "SELECT count(*) FROM entries";
        return (long)count.ExecuteScalar()!;
    }

    public void Dispose()
    {
        _put.Dispose();
        _get.Dispose();
        _scan.Dispose();
        _connection.Dispose();
    }

    private void Execute(string text)
    {
        using SqliteCommand command = _connection.CreateCommand();
        command.CommandText = text;
        command.ExecuteNonQuery();
    }

    private SqliteCommand Prepare(string text, params SqliteParameter[] parameters)
    {
        SqliteCommand command = _connection.CreateCommand();
        command.CommandText = text;
        command.Parameters.AddRange(parameters);
        command.Prepare();
        return command;
    }

    private static SqliteParameter Blob(string name) => new(name, SqliteType.Blob);
}
