using System.Text;
using Microsoft.Extensions.Configuration;
using Xunit;

namespace Strata.Tests;

/// <summary>Each setting wrong in turn: the start stops with the path of the setting and what it takes.</summary>
public sealed class StrataSettingsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("strata-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("""{ "Dta": "x" }""", "Strata:Dta", "Data, Stores, Buckets, Kv, Server, Access")]
    [InlineData("""{ "Data": "" }""", "Strata:Data", "empty")]
    [InlineData("""{ "Data": { "x": "y" } }""", "Strata:Data", "one text")]
    [InlineData("""{ "Stores": "main" }""", "Strata:Stores", "group")]
    [InlineData("""{ "Stores": { "Main!": { "Url": "memory:" } } }""", "Strata:Stores:Main!", "lower-case")]
    [InlineData("""{ "Stores": { "_x1": { "Url": "memory:" } } }""", "Strata:Stores:_x1", "lower-case")]
    [InlineData("""{ "Stores": { "media": { "Uri": "memory:" } } }""", "Strata:Stores:media:Uri", "Url, Tiers, Tiering")]
    [InlineData("""{ "Stores": { "media": { "Url": "memory:", "Tiers": [ { "Name": "a", "Url": "memory:" } ] } } }""", "Strata:Stores:media", "one of them")]
    [InlineData("""{ "Stores": { "media": { "Tiers": [ { "Url": "memory:" } ] } } }""", "Strata:Stores:media:Tiers:0:Name", "missing")]
    [InlineData("""{ "Stores": { "media": { "Tiers": [ { "Name": "a" } ] } } }""", "Strata:Stores:media:Tiers:0:Url", "missing")]
    [InlineData("""{ "Stores": { "media": { "Tiers": [ { "Name": "a", "Url": "memory:", "MaxBytes": "many" } ] } } }""", "Strata:Stores:media:Tiers:0:MaxBytes", "a size such as")]
    [InlineData("""{ "Stores": { "media": { "Tiers": [ { "Name": "a", "Url": "memory:", "MaxBytes": "12" } ] } } }""", "Strata:Stores:media:Tiers:0:MaxBytes", "64 KiB or more")]
    [InlineData("""{ "Stores": { "media": { "Tiers": [ { "Name": "a", "Url": "memory:", "MaxBlobBytes": "-1" } ] } } }""", "Strata:Stores:media:Tiers:0:MaxBlobBytes", "a size such as")]
    [InlineData("""{ "Stores": { "media": { "Tiers": [ { "Name": "a", "Url": "memory:" }, { "Name": "a", "Url": "memory:" } ] } } }""", "Strata:Stores:media:Tiers", "two tiers")]
    [InlineData("""{ "Stores": { "media": { "Url": "memory:", "Tiering": { "PromoteOnRead": "often" } } } }""", "Strata:Stores:media:Tiering:PromoteOnRead", "true or false")]
    [InlineData("""{ "Stores": { "media": { "Url": "memory:", "Tiering": { "HotFor": "soon" } } } }""", "Strata:Stores:media:Tiering:HotFor", "such as 90s")]
    [InlineData("""{ "Stores": { "media": { "Url": "memory:", "Tiering": { "WarmFor": "1m" } } } }""", "Strata:Stores:media:Tiering:WarmFor", "WarmFor is 01:00:00 to")]
    [InlineData("""{ "Stores": { "media": { "Url": "memory:", "Tiering": { "AccessCountThreshold": "0" } } } }""", "Strata:Stores:media:Tiering:AccessCountThreshold", "1 or more")]
    [InlineData("""{ "Stores": { "media": { "Url": "memory:", "Tiering": { "PressureFrom": "2" } } } }""", "Strata:Stores:media:Tiering:PressureFrom", "from 0 to 1")]
    [InlineData("""{ "Stores": { "media": { "Url": "memory:", "Tiering": { "PressureFrom": "-1" } } } }""", "Strata:Stores:media:Tiering:PressureFrom", "0 or more")]
    [InlineData("""{ "Stores": { "media": { "Url": "memory:", "Tiering": { "RunEvery": "0s" } } } }""", "Strata:Stores:media:Tiering:RunEvery", "1 s to 365 days")]
    [InlineData("""{ "Stores": { "media": { "Url": "memory:", "Tiering": { "RunMaxOperations": "0" } } } }""", "Strata:Stores:media:Tiering:RunMaxOperations", "1 or more")]
    [InlineData("""{ "Stores": { "media": { "Url": "memory:", "Tiering": { "RunMaxBytes": "0" } } } }""", "Strata:Stores:media:Tiering:RunMaxBytes", "1 B or more")]
    [InlineData("""{ "Stores": { "media": { "Url": "memory:", "Tiering": { "RunBytesPerSecond": "1" } } } }""", "Strata:Stores:media:Tiering:RunBytesPerSecond", "1 KiB or more")]
    [InlineData("""{ "Stores": { "media": { "Url": "memory:", "Tiering": { "TrackerBytes": "1KiB" } } } }""", "Strata:Stores:media:Tiering:TrackerBytes", "512 KiB or more")]
    [InlineData("""{ "Stores": { "media": { "Url": "memory:", "Tiering": { "ScoreHalfLife": "1s" } } } }""", "Strata:Stores:media:Tiering:ScoreHalfLife", "1 minute to")]
    [InlineData("""{ "Stores": { "media": { "Url": "memory:", "Tiering": { "Rules": [ { "Prefix": "logs/" } ] } } } }""", "Strata:Stores:media:Tiering:Rules:0:Tier", "origin, or Hottest or Coldest")]
    [InlineData("""{ "Stores": { "media": { "Url": "memory:", "Tiering": { "Rules": [ { "Prefix": "logs/", "Tier": "cold" } ] } } } }""", "Strata:Stores:media:Tiering:Rules:0", "no tier 'cold'; there are origin")]
    [InlineData("""{ "Stores": { "media": { "Url": "memory:", "Tiering": { "Prices": { "hot": { "PerGibMonth": "1" } } } } } }""", "Strata:Stores:media:Tiering:Prices:hot", "there are origin")]
    [InlineData("""{ "Stores": { "media": { "Url": "memory:", "Tiering": { "Prices": { "origin": { "PerGibMonth": "cheap" } } } } } }""", "Strata:Stores:media:Tiering:Prices:origin:PerGibMonth", "such as 0.023")]
    [InlineData("""{ "Stores": { "media": { "Url": "memory:", "Tiering": { "Writes": "1" } } } }""", "Strata:Stores:media:Tiering:Writes", "Through, Around, Back")]
    [InlineData("""{ "Stores": { "media": { "Url": "memory:", "Tiering": { "MaxSharedLoadBytes": "1GiB" } } } }""", "Strata:Stores:media:Tiering:MaxSharedLoadBytes", "0 B to 64 MiB")]
    [InlineData("""{ "Stores": { "media": { "Url": "memory:", "Tiering": { "HotFr": "1" } } } }""", "Strata:Stores:media:Tiering:HotFr", "no setting")]
    [InlineData("""{ "Stores": { "media": { "Url": "memory:", "Tiering": { "FailSafeFor": "long" } } } }""", "Strata:Stores:media:Tiering:FailSafeFor", "such as 90s")]
    [InlineData("""{ "Stores": { "media": { "Url": "memory:", "Tiering": { "StaleWhileRevalidate": "x" } } } }""", "Strata:Stores:media:Tiering:StaleWhileRevalidate", "such as 90s")]
    [InlineData("""{ "Stores": { "media": { "Url": "memory:", "Tiering": { "FailSafeFor": "1h" } } } }""", "Strata:Stores:media:Tiering:FailSafeFor", "Set FreshFor")]
    [InlineData("""{ "Stores": { "media": { "Url": "memory:", "Tiering": { "DefaultTimeToLive": "0s" } } } }""", "Strata:Stores:media:Tiering:DefaultTimeToLive", "more than 0")]
    [InlineData("""{ "Stores": { "media": { "Url": "memory:", "Tiering": { "TimeToLiveRules": [ { "TimeToLive": "1h" } ] } } } }""", "Strata:Stores:media:Tiering:TimeToLiveRules:0:Prefix", "missing")]
    [InlineData("""{ "Stores": { "media": { "Tiers": [ { "Name": "a", "Url": "memory:", "SoftTimeout": "soon" } ] } } }""", "Strata:Stores:media:Tiers:0:SoftTimeout", "such as 90s")]
    [InlineData("""{ "Stores": { "media": { "Url": "memory:", "Tiering": { "Containment": "both" } } } }""", "Strata:Stores:media:Tiering:Containment", "Inclusive, Exclusive")]
    [InlineData("""{ "Buckets": { "Creat": "true" } }""", "Strata:Buckets:Creat", "Create, Max, HotBytes")]
    [InlineData("""{ "Buckets": { "Create": "yes" } }""", "Strata:Buckets:Create", "true or false")]
    [InlineData("""{ "Buckets": { "Max": "-1" } }""", "Strata:Buckets:Max", "0 to 10000")]
    [InlineData("""{ "Buckets": { "Max": "10001" } }""", "Strata:Buckets:Max", "0 to 10000")]
    [InlineData("""{ "Buckets": { "HotBytes": "1KiB" } }""", "Strata:Buckets:HotBytes", "64 KiB or more")]
    public void A_wrong_setting_is_named_with_what_it_takes(string strata, string setting, string takes)
    {
        StrataConfigurationException e = Assert.Throws<StrataConfigurationException>(() => Read(strata));
        Assert.Equal(setting, e.Setting);
        Assert.StartsWith(setting, e.Message, StringComparison.Ordinal);
        Assert.Contains(takes, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Placement_runs_and_prices_are_read()
    {
        TieringOptions options = Read("""
            { "Stores": { "media": { "Url": "memory:", "Tiering": {
                "HotFor": "2h", "WarmFor": "3.00:00:00", "AccessCountThreshold": 7, "AccessWindow": "30m", "PromoteOnRead": false, "HistoryWindow": "14d",
                "ColdPredictionThreshold": 2, "ColdAge": "30d", "PressureFrom": 0.8, "Rules": [ { "Prefix": "logs/", "Pattern": "**.log", "Tier": "origin" }, { "Hottest": "origin" } ],
                "TrackerBytes": "1MiB", "ScoreHalfLife": "2d", "RunEvery": "15m", "RunMaxOperations": 1000, "RunMaxBytes": "1GiB", "RunBytesPerSecond": "10MiB",
                "Prices": { "origin": { "PerGibMonth": 0.023, "PerThousandReads": 0.0004, "PerThousandWrites": 0.005 } } } } } }
            """).Stores["media"].Tiering;
        TieringPolicy expected = new()
        {
            HotFor = TimeSpan.FromHours(2), WarmFor = TimeSpan.FromDays(3), AccessCountThreshold = 7, AccessWindow = TimeSpan.FromMinutes(30), PromoteOnRead = false,
            HistoryWindow = TimeSpan.FromDays(14), ColdPredictionThreshold = 2, ColdAge = TimeSpan.FromDays(30), PressureFrom = 0.8,
        };
        Assert.Equal(expected with { Rules = options.Policy.Rules }, options.Policy);
        Assert.Equal([new PlacementRule { Prefix = "logs/", Pattern = "**.log", Tier = "origin" }, new PlacementRule { Hottest = "origin" }], options.Policy.Rules);
        Assert.Equal((1L << 20, TimeSpan.FromDays(2)), (options.Tracker.MaxBytes, options.Tracker.ScoreHalfLife));
        Assert.Equal((TimeSpan.FromMinutes(15), 1000, 1L << 30, 10L << 20), (options.RunEvery, options.RunBudget.MaxOperations, options.RunBudget.MaxBytes, options.RunBytesPerSecond));
        Assert.Equal([new TierPrice { Tier = "origin", PerGibMonth = 0.023m, PerThousandReads = 0.0004m, PerThousandWrites = 0.005m }], options.Prices);
    }

    [Fact]
    public async Task An_address_that_cannot_be_opened_names_its_setting_and_leaves_the_folder_free()
    {
        StrataSettings settings = Read("""{ "Stores": { "good": { "Url": "memory:" }, "wrong": { "Tiers": [ { "Name": "a", "Url": "memroy:" } ] } } }""", _folder);
        StrataConfigurationException e = await Assert.ThrowsAsync<StrataConfigurationException>(() => StoreCatalog.OpenAsync(settings).AsTask());
        Assert.Equal("Strata:Stores:wrong:Tiers:0:Url", e.Setting);
        Assert.Null(DataFolder.FindOwner(_folder));
    }

    [Theory]
    [InlineData("{}", true, 100, 32L << 20)]
    [InlineData("""{ "Stores": { "one": { "Url": "memory:" } } }""", false, 100, 32L << 20)]
    [InlineData("""{ "Stores": { "one": { "Url": "memory:" } }, "Buckets": { "Create": "true", "Max": "7", "HotBytes": "1MiB" } }""", true, 7, 1L << 20)]
    [InlineData("""{ "Buckets": { "Create": "false" } }""", false, 100, 32L << 20)]
    public void Buckets_may_be_created_where_no_store_is_configured_or_where_it_is_said(string strata, bool create, int max, long hotBytes)
    {
        BucketSettings buckets = Read(strata).Buckets;
        Assert.Equal((create, max, hotBytes), (buckets.Create, buckets.Max, buckets.HotBytes));
    }

    [Fact]
    public void What_is_said_of_time_arrives_where_it_belongs()
    {
        StoreSettings store = Assert.Single(Read("""
            { "Stores": { "media": {
                "Tiers": [ { "Name": "hot", "Url": "memory:", "SoftTimeout": "5ms" }, { "Name": "cold", "Url": "file:./x", "SoftTimeout": "50ms", "HardTimeout": "2s" } ],
                "Tiering": { "FreshFor": "10s", "StaleWhileRevalidate": "1m", "FailSafeFor": "1h", "FailSafeThrottle": "5s", "DefaultTimeToLive": "30d", "SweepEvery": "1d",
                    "TimeToLiveRules": [ { "Prefix": "kept/" }, { "Prefix": "tmp/", "TimeToLive": "1h" } ] } } } }
            """).Stores).Value;
        Assert.Equal((TimeSpan.FromMilliseconds(5), null), (store.Tiers[0].SoftTimeout, store.Tiers[0].HardTimeout));
        Assert.Equal((TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(2)), (store.Tiers[1].SoftTimeout, store.Tiers[1].HardTimeout));
        TieringOptions tiering = store.Tiering;
        Assert.Equal((TimeSpan.FromSeconds(10), TimeSpan.FromMinutes(1), TimeSpan.FromHours(1)), (tiering.FreshFor, tiering.StaleWhileRevalidate, tiering.FailSafeFor));
        Assert.Equal([new TimeToLiveRule { Prefix = "kept/" }, new TimeToLiveRule { Prefix = "tmp/", TimeToLive = TimeSpan.FromHours(1) }], tiering.TimeToLiveRules);
        Assert.Equal((TimeSpan.FromSeconds(5), TimeSpan.FromDays(30), TimeSpan.FromDays(1)), (tiering.FailSafeThrottle, tiering.DefaultTimeToLive, tiering.SweepEvery));
    }

    [Fact]
    public async Task A_tiers_time_outs_reach_its_store_and_are_checked_there()
    {
        ArgumentException e = await Assert.ThrowsAsync<ArgumentException>(() => new TieredStoreBuilder()
            .AddTier(new TierSettings { Name = "hot", Url = "memory:", SoftTimeout = TimeSpan.FromSeconds(2), HardTimeout = TimeSpan.FromSeconds(1) })
            .AddTier("cold", new MemoryBlobStore())
            .OpenAsync().AsTask());
        Assert.Contains("'hot'", e.Message, StringComparison.Ordinal);
        Assert.Contains("SoftTimeout", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_configuration_there_is_one_store_of_three_tiers_below_the_data_folder()
    {
        await using StoreCatalog catalog = await StoreCatalog.OpenAsync(Read("{}", _folder));
        (string name, IBlobStore store) = Assert.Single(catalog.Stores);
        Assert.Equal("main", name);
        Assert.Equal(["hot", "warm", "cold"], store.Capabilities.Tiers);
        await store.PutBytesAsync(BlobKey.Parse("k"), new byte[10]);
        Assert.NotEmpty(Directory.GetFiles(Path.Combine(_folder, "main", "cold", "segments"), "*.seg"));
    }

    [Fact]
    public async Task A_data_folder_has_one_owner_who_can_be_found_and_whose_file_others_cannot_read()
    {
        await using (StoreCatalog catalog = await StoreCatalog.OpenAsync(Read("""{ "Stores": { "one": { "Url": "memory:" } } }""", _folder)))
        {
            catalog.Folder.Announce(new Uri("http://127.0.0.1:1234"));
            DataFolderOwner owner = DataFolder.FindOwner(_folder)!;
            Assert.Equal(new Uri("http://127.0.0.1:1234"), owner.Address);
            Assert.Equal(catalog.Folder.Token, owner.Token);
            Assert.DoesNotContain(owner.Token, owner.ToString(), StringComparison.Ordinal);
            if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(_folder, "owner.json")));
            StorageException e = Assert.Throws<StorageException>(() => DataFolder.Own(_folder));
            Assert.Equal(StorageErrorKind.Owned, e.Kind);
            Assert.Contains("http://127.0.0.1:1234", e.Message, StringComparison.Ordinal);
            Assert.DoesNotContain(owner.Token, e.Message, StringComparison.Ordinal);
        }

        Assert.Null(DataFolder.FindOwner(_folder));
        DataFolder.Own(_folder).Dispose();
    }

    [Fact]
    public void A_stale_owner_file_means_nothing()
    {
        File.WriteAllText(Path.Combine(_folder, "owner.json"), """{"processId":1,"token":"x","instanceId":"y","protocolVersion":1}""");
        File.WriteAllText(Path.Combine(_folder, "owner.lock"), "");
        Assert.Null(DataFolder.FindOwner(_folder));
    }

    private static StrataSettings Read(string strata, string? data = null)
    {
        using var json = new MemoryStream(Encoding.UTF8.GetBytes($$"""{ "Strata": {{strata}} }"""));
        return StrataSettings.Read(new ConfigurationBuilder().AddJsonStream(json).Build(), data);
    }
}
