using Microsoft.Extensions.Configuration;
using Strata.S3;
using Strata.Server;
using Xunit;

namespace Strata.Backends.Tests;

/// <summary>Two servers with tiers of their own over one bucket, as their configuration has it.</summary>
[Collection(nameof(StrataS3Server))]
public sealed class TwoServersTests(StrataS3Server server) : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("strata-two-").FullName;
    private readonly HttpClient _http = new();
    private string _bucket = "";

    public async ValueTask InitializeAsync() => _bucket = await server.CreateBucketAsync();

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await server.RemoveBucketAsync(_bucket);
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task What_one_writes_the_other_serves_within_the_time_and_a_condition_holds_for_both()
    {
        await using StoreCatalog first = await OpenAsync("first"), second = await OpenAsync("second");
        await using StrataServer one = await ServeAsync(first), two = await ServeAsync(second);
        for (int round = 0; round < 5; round++)
        {
            await PutAsync(one, $"one {round}");
            await Eventually.HoldsAsync(async () => await GetAsync(two) == $"one {round}", what: "the second server does not see the first one's write");
            await PutAsync(two, $"two {round}");
            Assert.Equal($"two {round}", await GetAsync(two));
            await Eventually.HoldsAsync(async () => await GetAsync(one) == $"two {round}", what: "the first server does not see the second one's write");
        }

        // Both create it: the bucket decides, and one of them is told so.
        HttpResponseMessage[] created = await Task.WhenAll(CreateAsync(one), CreateAsync(two));
        Assert.Single(created, r => r.IsSuccessStatusCode);
        Assert.True(Directory.Exists(Path.Combine(_folder, "first", "state", "main")), "the state of a store over a bucket is to be kept in the data folder");

        Task<HttpResponseMessage> CreateAsync(StrataServer at)
        {
            var request = new HttpRequestMessage(HttpMethod.Put, new Uri(at.Address, "/main/created")) { Content = new StringContent("mine") };
            request.Headers.TryAddWithoutValidation("If-None-Match", "*");
            return _http.SendAsync(request);
        }
    }

    [Fact]
    public async Task Without_a_time_the_configuration_is_refused_with_the_setting_and_the_fix()
    {
        StrataConfigurationException e = await Assert.ThrowsAsync<StrataConfigurationException>(async () => await OpenAsync("none", freshFor: null));
        Assert.Contains("FreshFor", e.Message, StringComparison.Ordinal);
        Assert.Contains("singleWriter=true", e.Message, StringComparison.Ordinal);
    }

    private async Task<StoreCatalog> OpenAsync(string node, string? freshFor = "200ms")
    {
        var settings = new Dictionary<string, string?>
        {
            ["Strata:Stores:main:Tiers:0:Name"] = "hot", ["Strata:Stores:main:Tiers:0:Url"] = "memory:",
            ["Strata:Stores:main:Tiers:1:Name"] = "warm", ["Strata:Stores:main:Tiers:1:Url"] = $"file:{_folder}/{node}/warm",
            ["Strata:Stores:main:Tiers:2:Name"] = "cold", ["Strata:Stores:main:Tiers:2:Url"] = "bucket:",
        };
        if (freshFor is not null) settings["Strata:Stores:main:Tiering:FreshFor"] = freshFor;
        var urls = new StoreUrlRegistry();
        urls.Register("bucket:", async (_, opening, cancellationToken) => await S3BlobStore.OpenAsync(server.OptionsFor(_bucket) with { Name = opening.Name }, opening.Context, cancellationToken));
        IConfiguration configuration = new ConfigurationBuilder().AddInMemoryCollection(settings).Build();
        return await StoreCatalog.OpenAsync(StrataSettings.Read(configuration, Path.Combine(_folder, node)), urls);
    }

    private static Task<StrataServer> ServeAsync(StoreCatalog catalog) => StrataServer.StartAsync(catalog, new StrataServerOptions { Listen = "127.0.0.1:0" }, null);

    private async Task PutAsync(StrataServer at, string text)
    {
        using HttpResponseMessage response = await _http.PutAsync(new Uri(at.Address, "/main/key"), new StringContent(text));
        response.EnsureSuccessStatusCode();
    }

    private async Task<string> GetAsync(StrataServer at)
    {
        using HttpResponseMessage response = await _http.GetAsync(new Uri(at.Address, "/main/key"));
        return response.IsSuccessStatusCode ? await response.Content.ReadAsStringAsync() : response.StatusCode.ToString();
    }
}
