using Xunit;

namespace Strata.Server.Tests;

/// <summary>Who may not administer the server sees nothing of the tiers and decides nothing about them.</summary>
public sealed class TieringRightsTests : AccessTests
{
    private const string Root = "/_strata/v1/stores/main/tiering";

    [Fact]
    public async Task A_key_that_may_only_use_S3_cannot_pin_and_an_admin_can()
    {
        BlobKey key = BlobKey.Parse("mine/a");
        await Running.Store.PutBytesAsync(key, new byte[10]);
        const string Pin = """{"key":"mine/a","tier":"cold"}""";
        await ForbiddenAsync(Sign("POST", $"{Root}/pin", Pin, key: Writer));
        await ForbiddenAsync(Sign("POST", $"{Root}/run", "{}", key: Writer));
        await ForbiddenAsync(Sign("GET", $"{Root}/explain?key=mine%2Fa", key: Writer));
        Assert.True(Running.Store.TryGetFacet(out ITiering? tiering));
        Assert.Empty(tiering.GetPins());

        await ServedAsync(Sign("POST", $"{Root}/pin", Pin));
        Assert.Equal(key, Assert.Single(tiering.GetPins()).Key);
    }

    [Fact]
    public async Task A_signed_body_that_was_replaced_pins_nothing()
    {
        SignedMessage message = Sign("POST", $"{Root}/pin", """{"key":"a","tier":"cold"}""");
        message.Body = """{"key":"b","tier":"cold"}""";
        string answer = await message.SendAsync(Address);
        Assert.StartsWith("HTTP/1.1 400 ", answer);
        Assert.True(Running.Store.TryGetFacet(out ITiering? tiering));
        Assert.Empty(tiering.GetPins());
    }

    private async Task ForbiddenAsync(SignedMessage message) => Assert.StartsWith("HTTP/1.1 403 ", await message.SendAsync(Address));
}
