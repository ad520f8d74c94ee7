using Xunit;

namespace Strata.Tests;

/// <summary>An address opens the KV database that it says, or nothing.</summary>
public sealed class KvUrlTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("strata-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("fiel:./data")]
    [InlineData("sqlite:./data.db")]
    [InlineData("https://kv.example")]
    public async Task A_scheme_that_is_not_registered_lists_the_known_ones_and_opens_no_folder(string url)
    {
        string[] before = Directory.GetFileSystemEntries(".");
        StrataConfigurationException e = await Assert.ThrowsAsync<StrataConfigurationException>(() => new StoreUrlRegistry().OpenKvAsync(url).AsTask());
        Assert.Contains("unknown scheme", e.Message, StringComparison.Ordinal);
        Assert.Contains("file:, memory:", e.Message, StringComparison.Ordinal);
        Assert.Equal(before, Directory.GetFileSystemEntries("."));
    }

    [Fact]
    public async Task A_plain_path_and_a_file_address_open_the_same_database()
    {
        var registry = new StoreUrlRegistry();
        byte[] key = [2, 65, 0];
        await using (IKvDatabase database = await registry.OpenKvAsync(Path.Combine(_folder, "a b")))
            await database.AtomicWriteAsync(new AtomicWrite { Mutations = [KvMutation.Set(key, KvValue.OfUInt64(7))] }, default);
        await using IKvDatabase again = await registry.OpenKvAsync($"file:{_folder}/a%20b");
        Assert.Single((await again.SnapshotReadAsync([ReadRange.Of(key)], null, default))[0].Entries);
    }

    [Theory]
    [InlineData("memory:x")]
    [InlineData("memory:?durability=flush")]
    [InlineData("file:")]
    [InlineData("file:x?durability=perhaps")]
    [InlineData("file:x?maxBytes=1MiB")]
    [InlineData("")]
    public async Task What_an_address_cannot_mean_is_refused_with_what_it_takes(string url) =>
        await Assert.ThrowsAsync<StrataConfigurationException>(() => new StoreUrlRegistry().OpenKvAsync(url).AsTask());

    /// <summary>The table of the multi-backend dispatch: what begins with https: is remote, all else is SQLite, the default is named by the environment.</summary>
    [Theory]
    [InlineData("https://kv.example/app", "remote")]
    [InlineData("https://kv.example/eu/app", "eu")]
    [InlineData("./data.sqlite3", "sqlite")]
    [InlineData("/var/lib/app/data", "sqlite")]
    [InlineData(null, "sqlite")]
    public async Task Remote_for_https_else_SQLite_is_a_registration(string? url, string expected)
    {
        var opened = new List<string>();
        var registry = new StoreUrlRegistry();
        registry.RegisterKv("https:", Open("remote"));
        registry.RegisterKv("https://kv.example/eu/", Open("eu"));
        registry.RegisterKv("file:", Open("sqlite"));
        string? before = Environment.GetEnvironmentVariable(StoreUrlRegistry.KvEnvironmentVariable);
        Environment.SetEnvironmentVariable(StoreUrlRegistry.KvEnvironmentVariable, "./from-environment");
        try
        {
            await using IKvDatabase _ = await registry.OpenKvAsync(url);
        }
        finally
        {
            Environment.SetEnvironmentVariable(StoreUrlRegistry.KvEnvironmentVariable, before);
        }

        Assert.Equal([expected], opened);

        KvDatabaseOpener Open(string name) => (_, opening, _) =>
        {
            opened.Add(name);
            return new(new MemoryKvDatabase(null, opening.Context));
        };
    }

    [Fact]
    public async Task Without_an_address_and_without_the_variable_the_error_names_it()
    {
        string? before = Environment.GetEnvironmentVariable(StoreUrlRegistry.KvEnvironmentVariable);
        Environment.SetEnvironmentVariable(StoreUrlRegistry.KvEnvironmentVariable, null);
        try
        {
            StrataConfigurationException e = await Assert.ThrowsAsync<StrataConfigurationException>(() => new StoreUrlRegistry().OpenKvAsync().AsTask());
            Assert.Contains(StoreUrlRegistry.KvEnvironmentVariable, e.Message, StringComparison.Ordinal);
        }
        finally
        {
            Environment.SetEnvironmentVariable(StoreUrlRegistry.KvEnvironmentVariable, before);
        }
    }
}
