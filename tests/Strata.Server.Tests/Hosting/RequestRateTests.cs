using System.Net;
using Strata.Testing;
using Xunit;

namespace Strata.Server.Tests;

public sealed class RequestRateTests
{
    private static readonly IPAddress One = IPAddress.Parse("192.0.2.1"), Two = IPAddress.Parse("192.0.2.2");

    [Fact]
    public void Each_key_has_a_rate_of_its_own_wherever_it_is_used()
    {
        using var counted = new Counted();
        RequestRates rates = Rates(counted, perSecond: 3);
        Assert.True(Enumerable.Range(0, 3).All(_ => rates.TryTake("ANN", One)), "a second's worth may come at once");
        Assert.False(rates.TryTake("ANN", Two), "a key beyond its rate is not refused");
        Assert.True(rates.TryTake("BOB", One), "another key suffers from the first one's haste");
        Assert.Equal(1, counted["strata.server.refusals/rate"]);
    }

    [Fact]
    public void Where_there_are_no_keys_each_address_has_one_and_a_network_of_IPv6_is_one_address()
    {
        using var counted = new Counted();
        RequestRates rates = Rates(counted, perSecond: 1);
        Assert.True(rates.TryTake("-", One));
        Assert.False(rates.TryTake("-", One.MapToIPv6()));
        Assert.True(rates.TryTake("-", Two));
        Assert.True(rates.TryTake("-", IPAddress.Parse("2001:db8:0:1::1")));
        Assert.False(rates.TryTake("-", IPAddress.Parse("2001:db8:0:1:ffff::2")));
        Assert.True(rates.TryTake("-", IPAddress.Parse("2001:db8:0:2::1")));
        Assert.True(rates.TryTake("-", null));
        Assert.False(rates.TryTake("-", null));
    }

    [Fact]
    public void Without_a_limit_nobody_is_counted()
    {
        using var counted = new Counted();
        RequestRates rates = Rates(counted, perSecond: 0);
        Assert.True(Enumerable.Range(0, 1000).All(_ => rates.TryTake("ANN", One)));
    }

    [Fact]
    public async Task A_client_beyond_its_rate_is_told_to_slow_down_and_served_again_later()
    {
        using var counted = new Counted();
        await using var store = new MemoryBlobStore(new MemoryBlobStoreOptions());
        var clock = new FakeClock();
        var options = new StrataServerOptions { Listen = "127.0.0.1:0", MaxRequestsPerSecond = 5 };
        await using StrataServer server = await StrataServer.StartAsync(new Dictionary<string, IBlobStore> { ["main"] = store }, options, counted.Context with { Clock = clock });
        using var http = new HttpClient { BaseAddress = server.Address };
        for (int n = 0; n < 5; n++) await AskAsync(HttpStatusCode.OK);
        string refusal = await AskAsync(HttpStatusCode.ServiceUnavailable);
        Assert.Contains("<Code>SlowDown</Code>", refusal);
        using HttpResponseMessage figures = await http.GetAsync("_strata/v1/stores");
        Assert.Equal(HttpStatusCode.OK, figures.StatusCode);
        clock.Advance(TimeSpan.FromSeconds(0.2));
        await AskAsync(HttpStatusCode.OK);
        await AskAsync(HttpStatusCode.ServiceUnavailable);

        async Task<string> AskAsync(HttpStatusCode status)
        {
            using HttpResponseMessage answer = await http.GetAsync("main");
            Assert.Equal(status, answer.StatusCode);
            Assert.Equal(status == HttpStatusCode.ServiceUnavailable, answer.Headers.RetryAfter is not null);
            return await answer.Content.ReadAsStringAsync();
        }
    }

    private static RequestRates Rates(Counted counted, int perSecond) => new(
        new StrataServerOptions { MaxRequestsPerSecond = perSecond }, counted.Context with { Clock = new FakeClock() }, new ServerMetrics(counted.Context.Meter));
}
