using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Xunit;

namespace Strata.Server.Tests;

/// <summary>The command line's pipes may be as slow as they like; who comes from elsewhere may not.</summary>
public sealed class DataRateTests
{
    [Theory]
    [InlineData("127.0.0.1", true)]
    [InlineData("::1", true)]
    [InlineData("::ffff:127.0.0.1", true)]
    [InlineData("192.0.2.1", false)]
    [InlineData("2001:db8::1", false)]
    public async Task The_least_rate_is_lifted_on_the_loopback_alone(string address, bool isLifted)
    {
        await using var store = new MemoryBlobStore(new MemoryBlobStoreOptions());
        var rates = new Rates();
        var http = new DefaultHttpContext { Connection = { RemoteIpAddress = IPAddress.Parse(address) }, Request = { RouteValues = { ["name"] = "main" } } };
        http.Features.Set<IHttpMinRequestBodyDataRateFeature>(rates);
        http.Features.Set<IHttpMinResponseDataRateFeature>(rates);
        await BlobEndpoints.RunAsync(http, new Dictionary<string, IBlobStore> { ["main"] = store }, (_, _) => Task.CompletedTask);
        Assert.Equal(isLifted ? 0 : 2, (rates.Up is null ? 0 : 1) + (rates.Down is null ? 0 : 1));
    }

    private sealed class Rates : IHttpMinRequestBodyDataRateFeature, IHttpMinResponseDataRateFeature
    {
        public MinDataRate? Up { get; private set; } = new(240, TimeSpan.FromSeconds(10));

        public MinDataRate? Down { get; private set; } = new(240, TimeSpan.FromSeconds(10));

        MinDataRate? IHttpMinRequestBodyDataRateFeature.MinDataRate
        {
            get => Up;
            set => Up = value;
        }

        MinDataRate? IHttpMinResponseDataRateFeature.MinDataRate
        {
            get => Down;
            set => Down = value;
        }
    }
}
