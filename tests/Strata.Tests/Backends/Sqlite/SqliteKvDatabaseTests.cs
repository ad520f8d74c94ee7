using Strata.Sqlite;
using Xunit;
using static Strata.Tests.SqliteKvFixture;

namespace Strata.Tests;

/// <summary>Opening, closing, and what another's file or a busy one comes to.</summary>
public sealed class SqliteKvDatabaseTests : IAsyncLifetime
{
    private readonly SqliteKvFixture _fixture = new();

    public ValueTask InitializeAsync() => default;

    public ValueTask DisposeAsync() => _fixture.DisposeAsync();

    [Fact]
    public void The_engine_says_which_it_is()
    {
        Assert.StartsWith($"SQLite {SqliteEngine.Version} (", SqliteEngine.Description, StringComparison.Ordinal);
        Assert.True(Version.Parse(SqliteEngine.Version) >= new Version(3, 35, 5), "An older SQLite than the package's was taken.");
        Assert.Equal(SqliteEngine.IsOfSystem, SqliteEngine.Description.Contains("of the system", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(SqliteDurability.Flush, "2")]
    [InlineData(SqliteDurability.OperatingSystem, "1")]
    public void Durability_is_sqlites_synchronous(SqliteDurability durability, string synchronous)
    {
        using SqliteSession session = SqliteKvSchema.Open(_fixture.Options with { Durability = durability });
        Assert.Equal(synchronous, session.Text("PRAGMA synchronous"));
        Assert.Equal("wal", session.Text("PRAGMA journal_mode"));
    }

    [Fact]
    public async Task The_file_is_one_file_when_it_is_closed_and_nobody_elses_to_read()
    {
        SqliteKvDatabase database = await _fixture.OpenAsync(_fixture.Options with { Path = Path.Combine(_fixture.Folder, "new", "folder", "kv.db") });
        await CommitAsync(database, Set("a", "1"));
        string file = Path.Combine(_fixture.Folder, "new", "folder", "kv.db");
        if (!OperatingSystem.IsWindows())
        {
            foreach (string one in Directory.GetFiles(Path.GetDirectoryName(file)!)) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(one));
        }

        await database.DisposeAsync();
        Assert.Equal([file], Directory.GetFiles(Path.GetDirectoryName(file)!));
    }

    [Fact]
    public async Task Many_that_open_a_new_file_at_once_share_one_database()
    {
        SqliteKvDatabaseOptions options = _fixture.Options with { BusyTimeout = TimeSpan.FromSeconds(30) };
        SqliteKvDatabase[] databases = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => _fixture.OpenAsync(options))));
        Versionstamp[] stamps = await Task.WhenAll(databases.Select((d, i) => CommitAsync(d, Set($"{i}", "1"))));
        Assert.Equal(8, stamps.Distinct().Count());
        Assert.Equal(8, (await KeysAsync(databases[3])).Length);
    }

    [Fact]
    public async Task A_file_that_is_no_database_is_refused_and_left_alone()
    {
        byte[] bytes = [.. Enumerable.Range(0, 5_000).Select(i => (byte)i)];
        await File.WriteAllBytesAsync(_fixture.File, bytes);
        StorageException e = await FailsAsync(StorageErrorKind.Corrupt);
        Assert.Contains("no SQLite database", e.Message, StringComparison.Ordinal);
        Assert.Equal(bytes, await File.ReadAllBytesAsync(_fixture.File));
    }

    [Fact]
    public async Task Another_programs_file_is_refused_and_left_alone()
    {
        _fixture.Run("CREATE TABLE notes(text TEXT)");
        byte[] bytes = await File.ReadAllBytesAsync(_fixture.File);
        StorageException e = await FailsAsync(StorageErrorKind.Corrupt);
        Assert.Contains("another program's tables", e.Message, StringComparison.Ordinal);
        Assert.Equal(bytes, await File.ReadAllBytesAsync(_fixture.File));
    }

    [Fact]
    public async Task A_file_of_Deno_is_refused_with_what_to_do()
    {
        File.Copy(DenoSqliteFileTests.Golden, _fixture.File);
        Assert.Contains("strata kv import", (await FailsAsync(StorageErrorKind.Corrupt)).Message, StringComparison.Ordinal);
    }

    /// <summary>Somebody may have kept the versionstamp of a commit that a power cut took back, and check with it.</summary>
    [Fact]
    public async Task Where_commits_may_have_been_lost_their_versionstamps_do_not_come_again()
    {
        SqliteKvDatabaseOptions flushed = _fixture.Options with { Durability = SqliteDurability.Flush };
        SqliteKvDatabase database = await _fixture.OpenAsync(flushed);
        Versionstamp last = await CommitAsync(database, Set("a", "1"));
        Assert.Equal(new Versionstamp(1), last);
        await database.DisposeAsync();
        database = await _fixture.OpenAsync(flushed);
        Assert.Equal(last.Next(), last = await CommitAsync(database, Set("a", "1")));
        await database.DisposeAsync();

        database = await _fixture.OpenAsync();
        Versionstamp above = await CommitAsync(database, Set("a", "1"));
        Assert.True(above.Counter > last.Counter + uint.MaxValue, $"{above} was issued after {last}: without a flush more commits than these may be lost.");
        Assert.Equal(above.Next(), last = await CommitAsync(database, Set("a", "1")));

        // As a cut leaves it, which nobody can tell from this.
        string copy = Path.Combine(_fixture.Folder, "copy.db");
        File.Copy(_fixture.File, copy);
        File.Copy(_fixture.File + "-wal", copy + "-wal");
        above = await CommitAsync(await _fixture.OpenAsync(flushed with { Path = copy }), Set("a", "1"));
        Assert.True(above.Counter > last.Counter + uint.MaxValue, $"{above} was issued after {last}, and nobody knows who had the file open before.");
    }

    [Fact]
    public async Task A_newer_format_is_refused()
    {
        await (await _fixture.OpenAsync()).DisposeAsync();
        _fixture.Run("PRAGMA user_version = 2");
        StorageException e = await FailsAsync(StorageErrorKind.Unsupported);
        Assert.Contains("format 2", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_is_no_file()
    {
        Directory.CreateDirectory(_fixture.File);
        await FailsAsync(StorageErrorKind.Unavailable);
    }

    [Fact]
    public async Task A_file_that_is_held_refuses_writes_in_time_and_takes_them_afterwards()
    {
        SqliteKvDatabase database = await _fixture.OpenAsync();
        Versionstamp before = await CommitAsync(database, Set("a", "1"));
        using (SqliteSession other = _fixture.Session())
        {
            other.Execute("BEGIN IMMEDIATE");
            StorageException e = await Assert.ThrowsAsync<StorageException>(() => CommitAsync(database, Set("a", "2")));
            Assert.Equal((StorageErrorKind.Timeout, WriteOutcome.NotApplied, true), (e.Kind, e.Outcome, e.IsTransient));
            Assert.Equal("1", await TextAsync(database, "a"));
            other.Execute("ROLLBACK");
        }

        Assert.True(await CommitAsync(database, Set("a", "2")) > before);
        Assert.Equal("2", await TextAsync(database, "a"));
    }

    [Fact]
    public async Task More_reads_than_connections_wait_and_are_answered()
    {
        SqliteKvDatabase database = await _fixture.OpenAsync(_fixture.Options with { MaxReaders = 1 });
        await CommitAsync(database, [.. Enumerable.Range(0, 300).Select(i => Set($"{i:d3}", "1"))]);
        string[][] found = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => Task.Run(() => KeysAsync(database))));
        Assert.All(found, keys => Assert.Equal(300, keys.Length));
    }

    [Fact]
    public async Task A_write_in_a_group_that_is_refused_leaves_the_others()
    {
        SqliteKvDatabase database = await _fixture.OpenAsync();
        await CommitAsync(database, Set("text", "no number"));
        Task<Versionstamp>[] writes = [.. Enumerable.Range(0, 100).Select(i => CommitAsync(database, Set($"{i}", "1"), i % 10 == 0 ? KvMutation.Sum(Key("text"), 1) : Set("same", "1")))];
        HashSet<Versionstamp> stamps = [];
        for (int i = 0; i < writes.Length; i++)
        {
            if (i % 10 == 0) await Assert.ThrowsAnyAsync<ArgumentException>(() => writes[i]);
            else stamps.Add(await writes[i]);
        }

        Assert.Equal(92, (await KeysAsync(database)).Length);
        Assert.Equal(90, stamps.Count);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a\0b")]
    public async Task A_path_that_is_none_is_refused(string path) =>
        await Assert.ThrowsAnyAsync<ArgumentException>(async () => await SqliteKvDatabase.OpenAsync(_fixture.Options with { Path = path }));

    [Fact]
    public async Task Settings_beyond_their_limits_are_refused()
    {
        foreach (SqliteKvDatabaseOptions options in (SqliteKvDatabaseOptions[])
        [
            _fixture.Options with { MaxReaders = 0 }, _fixture.Options with { BusyTimeout = TimeSpan.FromSeconds(-1) }, _fixture.Options with { WatchInterval = TimeSpan.Zero },
            _fixture.Options with { Durability = (SqliteDurability)7 }, _fixture.Options with { Name = " " },
        ])
        {
            await Assert.ThrowsAnyAsync<ArgumentException>(async () => await SqliteKvDatabase.OpenAsync(options));
        }

        Assert.False(File.Exists(_fixture.File));
    }

    private async Task<StorageException> FailsAsync(StorageErrorKind kind)
    {
        StorageException e = await Assert.ThrowsAsync<StorageException>(() => _fixture.OpenAsync());
        Assert.Equal(kind, e.Kind);
        Assert.Equal(WriteOutcome.NotApplied, e.Outcome);
        Assert.Contains(_fixture.File, e.Message, StringComparison.Ordinal);
        return e;
    }
}
