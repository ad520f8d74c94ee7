using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Xunit;

namespace Strata.Server.Tests;

public class ListenTests
{
    [Theory]
    [InlineData("0.0.0.0:9000")]
    [InlineData("[::]:9000")]
    [InlineData("*:9000")]
    [InlineData("192.168.1.4:9000")]
    [InlineData("[::ffff:8.8.8.8]:9000")]
    public async Task Refuses_to_listen_beyond_loopback_and_says_why(string listen)
    {
        StrataConfigurationException refused = await RefusedAsync(listen);
        Assert.Contains("Listen", refused.Message);
        Assert.Contains("access keys", refused.Message);
    }

    [Theory]
    [InlineData("")]
    [InlineData("9000")]
    [InlineData("127.0.0.1")]
    [InlineData("127.0.0.1:")]
    [InlineData("127.0.0.1:70000")]
    [InlineData("127.0.0.1:-1")]
    public async Task Refuses_what_is_no_address(string listen) => Assert.Contains("HOST:PORT", (await RefusedAsync(listen)).Message);

    [Theory]
    [InlineData("example.org:9000")]
    [InlineData("::1:9000")]
    [InlineData(":9000")]
    public async Task Refuses_a_host_that_is_no_address(string listen) => Assert.Contains("an address of this machine", (await RefusedAsync(listen, Keys)).Message);

    [Theory]
    [InlineData("0.0.0.0:0")]
    [InlineData("[::]:0")]
    [InlineData("*:0")]
    public async Task With_keys_it_listens_on_all_addresses_and_tells_one_that_this_machine_reaches(string listen)
    {
        await using StrataServer server = await StrataServer.StartAsync(new Dictionary<string, IBlobStore>(), new StrataServerOptions { Listen = listen, Access = Keys });
        Assert.Equal("127.0.0.1", server.Address.Host);
        using var http = new HttpClient { BaseAddress = server.Address };
        Assert.Contains("ok", await http.GetStringAsync("/_strata/health"));
        if (Outside() is { } outside) Assert.Contains("ok", await http.GetStringAsync($"http://{outside}:{server.Address.Port}/_strata/health"));
    }

    [Fact]
    public async Task With_keys_it_listens_on_one_address_of_the_machine()
    {
        IPAddress address = Outside() ?? IPAddress.Loopback;
        await using StrataServer server = await StrataServer.StartAsync(new Dictionary<string, IBlobStore>(), new StrataServerOptions { Listen = $"{address}:0", Access = Keys });
        Assert.Equal(address.ToString(), server.Address.Host);
        using var http = new HttpClient { BaseAddress = server.Address };
        Assert.Contains("ok", await http.GetStringAsync("/_strata/health"));
    }

    [Fact]
    public async Task A_ring_whose_keys_are_all_revoked_still_keeps_others_out()
    {
        AccessKeyRing keys = Keys;
        keys.Remove("abc");
        await using StrataServer server = await StrataServer.StartAsync(new Dictionary<string, IBlobStore>(), new StrataServerOptions { Listen = "0.0.0.0:0", Access = keys });
        Assert.True(keys.IsRequired);
    }

    [Theory]
    [InlineData("127.0.0.1:0")]
    [InlineData("localhost:0")]
    [InlineData("[::1]:0")]
    public async Task Listens_on_loopback(string listen)
    {
        await using StrataServer server = await StrataServer.StartAsync(new Dictionary<string, IBlobStore>(), new StrataServerOptions { Listen = listen });
        using var http = new HttpClient { BaseAddress = server.Address };
        Assert.Contains("ListAllMyBucketsResult", await http.GetStringAsync("/"));
    }

    [Fact]
    public async Task A_port_in_use_is_a_clear_error()
    {
        await using StrataServer first = await StrataServer.StartAsync(new Dictionary<string, IBlobStore>(), new StrataServerOptions { Listen = "127.0.0.1:0" });
        StrataConfigurationException refused = await RefusedAsync(first.Address.Authority);
        Assert.Contains(first.Address.Authority, refused.Message);
        Assert.Contains("in use", refused.Message);
    }

    [Fact]
    public async Task Options_out_of_range_are_named()
    {
        ArgumentException refused = await Assert.ThrowsAsync<ArgumentException>(
            () => StrataServer.StartAsync(new Dictionary<string, IBlobStore>(), new StrataServerOptions { MaxXmlBytes = 1 }));
        Assert.Contains("MaxXmlBytes", refused.Message);
    }

    [Fact]
    public async Task A_store_that_cannot_be_a_bucket_is_refused()
    {
        await using var store = new MemoryBlobStore(new MemoryBlobStoreOptions());
        await Assert.ThrowsAsync<ArgumentException>(
            () => StrataServer.StartAsync(new Dictionary<string, IBlobStore> { ["_strata"] = store }, new StrataServerOptions { Listen = "127.0.0.1:0" }));
    }

    private static AccessKeyRing Keys => new(new AccessKey { Id = "abc", Secret = "12345678", Grants = [AccessGrant.Everything] });

    /// <summary>An address of this machine that is not loopback; null if it has none.</summary>
    private static IPAddress? Outside() => NetworkInterface.GetAllNetworkInterfaces()
        .Where(n => n.OperationalStatus == OperationalStatus.Up)
        .SelectMany(n => n.GetIPProperties().UnicastAddresses)
        .Select(a => a.Address)
        .FirstOrDefault(a => a.AddressFamily == AddressFamily.InterNetwork && !IPAddress.IsLoopback(a));

    private static Task<StrataConfigurationException> RefusedAsync(string listen, AccessKeyRing? keys = null) => Assert.ThrowsAsync<StrataConfigurationException>(
        () => StrataServer.StartAsync(new Dictionary<string, IBlobStore>(), new StrataServerOptions { Listen = listen, Access = keys ?? new() }));
}
