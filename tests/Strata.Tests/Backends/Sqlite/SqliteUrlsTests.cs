using Strata.Sqlite;
using Xunit;
using static Strata.Tests.SqliteKvFixture;

namespace Strata.Tests;

public sealed class SqliteUrlsTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly StoreUrlRegistry _registry = new();

    public SqliteUrlsTests() => _registry.RegisterSqlite();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task An_address_opens_its_file()
    {
        await using IKvDatabase database = await _registry.OpenKvAsync($"sqlite:{_folder.Sub("kv.db")}?durability=system&busyTimeout=2s&watchInterval=1s");
        await CommitAsync(database, Set("a", "1"));
        Assert.IsType<SqliteKvDatabase>(database);
        Assert.Equal("sqlite", database.Capabilities.Database);
        Assert.True(File.Exists(_folder.Sub("kv.db")));
    }

    [Theory]
    [InlineData("?durability=maybe")]
    [InlineData("?busyTimeout=2h")]
    [InlineData("?watchInterval=0s")]
    [InlineData("?cache=1")]
    public async Task An_option_that_is_wrong_opens_nothing(string option)
    {
        await Assert.ThrowsAsync<StrataConfigurationException>(async () => await _registry.OpenKvAsync($"sqlite:{_folder.Sub("kv.db")}{option}"));
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public async Task An_address_without_a_file_is_refused() => await Assert.ThrowsAsync<StrataConfigurationException>(async () => await _registry.OpenKvAsync("sqlite:"));
}
