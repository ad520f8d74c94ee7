using System.Net;
using Strata.Testing;
using Xunit;

namespace Strata.Server.Tests;

public sealed class RequestRateTests
{
    private static readonly IPAddress One = IPAddress.Parse("192.0.2.1"), Two = IPAddress.Parse("192.0.2.2");

    [Fact]
    public void Each_key_has_a_bucket_of_its_own()
    {
        using var counted = new Counted();
        using RequestRates rates = Rates(counted, perSecond: 3);
        Assert.True(Enumerable.Range(0, 3).All(_ => rates.TryTake("ANN", One)), "a second's worth may come at once");
        Assert.True(IsRefusedSoon(rates, "ANN", One), "a key beyond its rate is not refused");
        Assert.True(rates.TryTake("BOB", One), "another key suffers from the first one's haste");
        Assert.True(counted["strata.server.refusals/rate"] > 0, "a refusal is not counted");
    }

    [Fact]
    public void Where_there_are_no_keys_each_address_has_one_and_a_network_of_IPv6_is_one_address()
    {
        using var counted = new Counted();
        using RequestRates rates = Rates(counted, perSecond: 2);
        Assert.True(IsRefusedSoon(rates, "-", One));
        Assert.True(rates.TryTake("-", Two));
        Assert.True(rates.TryTake("-", IPAddress.Parse("2001:db8:0:1::1")));
        int count = rates.Count;
        rates.TryTake("-", IPAddress.Parse("2001:db8:0:1:ffff::2"));
        rates.TryTake("-", One.MapToIPv6());
        Assert.Equal(count, rates.Count);
        rates.TryTake("-", IPAddress.Parse("2001:db8:0:2::1"));
        Assert.Equal(count + 1, rates.Count);
    }

    [Fact]
    public void Buckets_are_bounded_and_newcomers_share_one_until_others_are_full_again()
    {
        using var counted = new Counted();
        var clock = new FakeClock();
        using RequestRates rates = Rates(counted, perSecond: 1, counters: 100, clock);
        for (int n = 0; n < 100; n++) rates.TryTake($"K{n}", One);
        for (int n = 100; n < 10_000; n++) rates.TryTake($"K{n}", One);
        Assert.Equal(100, rates.Count);
        Assert.True(IsRefusedSoon(rates, "K10000", One), "newcomers beyond the bound are not limited");
    }

    [Fact]
    public async Task A_client_beyond_its_rate_is_told_to_slow_down_and_served_again_later()
    {
        using var counted = new Counted();
        await using var store = new MemoryBlobStore(new MemoryBlobStoreOptions());
        var options = new StrataServerOptions { Listen = "127.0.0.1:0", MaxRequestsPerSecond = 5 };
        await using StrataServer server = await StrataServer.StartAsync(new Dictionary<string, IBlobStore> { ["main"] = store }, options, counted.Context);
        using var http = new HttpClient { BaseAddress = server.Address };
        string? refusal = null;
        for (int n = 0; n < 1000 && refusal is null; n++)
        {
            using HttpResponseMessage answer = await http.GetAsync("main");
            if (answer.StatusCode != HttpStatusCode.ServiceUnavailable) continue;
            Assert.NotNull(answer.Headers.RetryAfter);
            refusal = await answer.Content.ReadAsStringAsync();
        }

        Assert.Contains("<Code>SlowDown</Code>", refusal);
        using HttpResponseMessage figures = await http.GetAsync("_strata/v1/stores");
        Assert.Equal(HttpStatusCode.OK, figures.StatusCode);
        await Eventually.HoldsAsync(async () =>
        {
            using HttpResponseMessage answer = await http.GetAsync("main");
            return answer.StatusCode == HttpStatusCode.OK;
        });
    }

    /// <summary>Tokens trickle back while a test runs on a busy machine; far fewer than it asks for.</summary>
    private static bool IsRefusedSoon(RequestRates rates, string principal, IPAddress address) =>
        Enumerable.Range(0, 1000).Any(_ => !rates.TryTake(principal, address));

    private static RequestRates Rates(Counted counted, int perSecond, int counters = 1000, TimeProvider? clock = null)
    {
        StoreContext context = clock is null ? counted.Context : counted.Context with { Clock = clock };
        return new RequestRates(new StrataServerOptions { MaxRequestsPerSecond = perSecond, MaxRateCounters = counters }, context, new ServerMetrics(context.Meter));
    }
}
