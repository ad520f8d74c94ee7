using System.Text;
using Microsoft.Extensions.Configuration;
using Strata.Testing;
using Xunit;

namespace Strata.Tests;

/// <summary>Mounts in the configuration: each a store with its own address or tiers, and wrong ones named.</summary>
public sealed class MountSettingsTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("""{ "Mounts": "x" }""", "Strata:Stores:media:Mounts", "group")]
    [InlineData("""{ "Url": "memory:", "Mounts": [ { "Url": "memory:" } ] }""", "Strata:Stores:media", "belong into the mounts")]
    [InlineData("""{ "Tiering": { "FreshFor": "1s" }, "Mounts": [ { "Url": "memory:" } ] }""", "Strata:Stores:media", "belong into the mounts")]
    [InlineData("""{ "Mounts": [ { "Prefix": "a/" } ] }""", "Strata:Stores:media:Mounts:0:Url", "missing")]
    [InlineData("""{ "Mounts": [ { "Prefix": "a/", "Uri": "memory:" } ] }""", "Strata:Stores:media:Mounts:0:Uri", "Prefix, Name, Url, Tiers, Tiering")]
    [InlineData("""{ "Mounts": [ { "Prefix": "/a", "Url": "memory:" } ] }""", "Strata:Stores:media:Mounts:0:Prefix", "no key begins so")]
    [InlineData("""{ "Mounts": [ { "Prefix": "a/b/", "Url": "memory:" } ] }""", "Strata:Stores:media:Mounts:0:Name", "missing")]
    [InlineData("""{ "Mounts": [ { "Prefix": "a/", "Name": "b c", "Url": "memory:" } ] }""", "Strata:Stores:media:Mounts:0:Name", "letters, digits")]
    [InlineData("""{ "Mounts": [ { "Prefix": "a/", "Url": "memory:" }, { "Prefix": "a/", "Name": "b", "Url": "memory:" } ] }""", "Strata:Stores:media:Mounts", "prefix 'a/'")]
    [InlineData("""{ "Mounts": [ { "Prefix": "a/", "Url": "memory:" }, { "Prefix": "a", "Url": "memory:" } ] }""", "Strata:Stores:media:Mounts", "named 'a'")]
    [InlineData("""{ "Mounts": [ { "Prefix": "a/", "Url": "memory:", "Tiers": [ { "Name": "x", "Url": "memory:" } ] } ] }""", "Strata:Stores:media:Mounts:0", "one of them")]
    [InlineData("""{ "Mounts": [ { "Prefix": "a/", "Url": "memory:", "Tiering": { "HotFr": "1" } } ] }""", "Strata:Stores:media:Mounts:0:Tiering:HotFr", "no setting")]
    public void A_wrong_setting_is_named_with_what_it_takes(string store, string setting, string takes)
    {
        var e = Assert.Throws<StrataConfigurationException>(() => Read(store));
        Assert.Contains(setting + ": ", e.Message, StringComparison.Ordinal);
        Assert.Contains(takes, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Each_mount_has_its_own_tiers_and_what_it_holds_is_there_again()
    {
        string folder = _folder.Sub("data").Replace("\\", "/", StringComparison.Ordinal);
        StrataSettings settings = Read($$"""
            { "Mounts": [
                { "Url": "file:{{folder}}/rest" },
                { "Prefix": "photos/", "Tiers": [ { "Name": "hot", "Url": "memory:" }, { "Name": "cold", "Url": "file:{{folder}}/photos" } ], "Tiering": { "PromoteOnRead": "false" } },
                { "Prefix": "photos/raw/", "Name": "raw", "Url": "file:{{folder}}/raw" } ] }
            """);
        StoreSettings store = settings.Stores["media"];
        Assert.Equal([("", "root", "media/root"), ("photos/", "photos", "media/photos"), ("photos/raw/", "raw", "media/raw")], store.Mounts.Select(m => (m.Prefix, m.Name, m.Store.Tiering.Name)));
        Assert.False(store.Mounts[1].Store.Tiering.Policy.PromoteOnRead);

        string[] keys = ["a", "photos/1", "photos/raw/1"];
        for (int run = 0; run < 2; run++)
        {
            await using StoreCatalog catalog = await StoreCatalog.OpenAsync(settings);
            IBlobStore media = catalog.Stores["media"];
            if (run == 0) foreach (string key in keys) await media.PutBytesAsync(BlobKey.Parse(key), Encoding.UTF8.GetBytes(key));
            foreach (string key in keys) Assert.Equal(key, Encoding.UTF8.GetString((await media.GetBytesAsync(BlobKey.Parse(key)))!));
            Assert.Equal(keys, (await media.ListPageAsync(new ListRequest())).Items.Select(i => i.Key.Value));
            Assert.Equal([":origin", "photos/:hot", "photos/:cold", "photos/raw/:origin"], StoreTiers.AllOf("media", media).Select(t => t.Name));
            Assert.Equal(["photos/raw/:origin"], await StoreTiers.LocateAsync(media, BlobKey.Parse(keys[2]), CancellationToken.None));
        }
    }

    [Fact]
    public async Task A_mount_that_cannot_be_opened_closes_the_others()
    {
        string folder = _folder.Sub("data").Replace("\\", "/", StringComparison.Ordinal);
        StrataSettings settings = Read($$"""{ "Mounts": [ { "Url": "file:{{folder}}/rest" }, { "Prefix": "a/", "Url": "nosuch:x" } ] }""");
        for (int run = 0; run < 2; run++)
        {
            var e = await Assert.ThrowsAsync<StrataConfigurationException>(() => StoreCatalog.OpenAsync(settings).AsTask());
            Assert.Contains("Strata:Stores:media:Mounts:1:Url", e.Message, StringComparison.Ordinal);
        }
    }

    private StrataSettings Read(string store)
    {
        using var json = new MemoryStream(Encoding.UTF8.GetBytes($$"""{ "Strata": { "Stores": { "media": {{store}} } } }"""));
        return StrataSettings.Read(new ConfigurationBuilder().AddJsonStream(json).Build(), _folder.Sub("strata"));
    }
}
