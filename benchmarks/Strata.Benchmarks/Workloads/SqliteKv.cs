using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Strata.Benchmarks;

/// <summary>
/// SQLite as a careful program uses it for what a KV database does: keys in order with the version that wrote them, a
/// write-ahead log, prepared statements, its file mapped. One caller at a time.
/// </summary>
internal sealed class SqliteKv : IDisposable
{
    private const long MappedBytes = 0x7FFF_0000;
    private readonly SqliteConnection _connection;
    private readonly SqliteCommand _set;
    private readonly SqliteCommand _get;
    private readonly SqliteCommand _version;
    private readonly SqliteCommand _list;
    private readonly SqliteCommand _changes;
    private readonly SqliteCommand _begin;
    private readonly SqliteCommand _commit;
    private long _last;

    /// <param name="path">Created if it is missing.</param>
    /// <param name="synchronous">What a power cut may take: <c>FULL</c> nothing, <c>NORMAL</c> the latest commits.</param>
    public SqliteKv(string path, string synchronous)
    {
        _ = SqliteLibrary.Name;
        _connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        _connection.Open();
        Execute($"PRAGMA journal_mode=WAL; PRAGMA synchronous={synchronous}; PRAGMA mmap_size={MappedBytes}");
        Execute("CREATE TABLE IF NOT EXISTS kv(key BLOB PRIMARY KEY NOT NULL, value BLOB NOT NULL, version INTEGER NOT NULL) WITHOUT ROWID");
        _set = Prepare("INSERT INTO kv(key, value, version) VALUES($key, $value, $version) ON CONFLICT(key) DO UPDATE SET value = excluded.value, version = excluded.version", Blob("$key"), Blob("$value"), Integer("$version"));
        _get = Prepare("SELECT value, version FROM kv WHERE key = $key", Blob("$key"));
        _version = Prepare("SELECT version FROM kv WHERE key = $key", Blob("$key"));
        _list = Prepare("SELECT key, value, version FROM kv WHERE key >= $from AND key < $to ORDER BY key LIMIT $limit", Blob("$from"), Blob("$to"), Integer("$limit"));
        _changes = Prepare("PRAGMA data_version");
        _begin = Prepare("BEGIN IMMEDIATE");
        _commit = Prepare("COMMIT");
    }

    /// <summary>A number that changes when another connection has committed.</summary>
    public long Changes => (long)_changes.ExecuteScalar()!;

    public void Set(byte[] key, byte[] value)
    {
        _set.Parameters[0].Value = key;
        _set.Parameters[1].Value = value;
        _set.Parameters[2].Value = ++_last;
        Sink.Expect(_set.ExecuteNonQuery(), 1);
    }

    /// <summary>Sets keys to the same value in one transaction.</summary>
    public void SetAll(IEnumerable<byte[]> keys, byte[] value)
    {
        _begin.ExecuteNonQuery();
        foreach (byte[] key in keys) Set(key, value);
        _commit.ExecuteNonQuery();
    }

    /// <summary>Sets two keys if the first still has the version that is read beforehand.</summary>
    public void SetBoth(byte[] first, byte[] second, byte[] value)
    {
        long version = Version(first);
        _begin.ExecuteNonQuery();
        Sink.Expect(Version(first), version);
        Set(first, value);
        Set(second, value);
        _commit.ExecuteNonQuery();
    }

    public long Version(byte[] key)
    {
        _version.Parameters[0].Value = key;
        return (long)_version.ExecuteScalar()!;
    }

    /// <summary>The sum of a value's bytes, each touched where SQLite has them.</summary>
    public long Get(byte[] key)
    {
        _get.Parameters[0].Value = key;
        using SqliteDataReader reader = _get.ExecuteReader();
        return reader.Read() && reader.GetInt64(1) > 0 ? Sink.Sum(raw.sqlite3_column_blob(reader.Handle, 0)) : 0;
    }

    /// <summary>The sum of the bytes of values of a range, each touched where SQLite has them, keys among them.</summary>
    public long List(byte[] from, byte[] to, int limit)
    {
        _list.Parameters[0].Value = from;
        _list.Parameters[1].Value = to;
        _list.Parameters[2].Value = limit;
        using SqliteDataReader reader = _list.ExecuteReader();
        long sum = 0;
        while (reader.Read()) sum += raw.sqlite3_column_blob(reader.Handle, 0).Length + Sink.Sum(raw.sqlite3_column_blob(reader.Handle, 1)) + Math.Min(0, reader.GetInt64(2));
        return sum;
    }

    public void Dispose()
    {
        foreach (SqliteCommand command in (SqliteCommand[])[_set, _get, _version, _list, _changes, _begin, _commit]) command.Dispose();
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

    private static SqliteParameter Integer(string name) => new(name, SqliteType.Integer);
}
