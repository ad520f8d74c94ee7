using Xunit;

namespace Strata.Server.Tests;

/// <summary>Tests of which each class has one running server that asks for credentials.</summary>
public abstract class AccessTests : ServerTests
{
    protected static readonly AccessKey Admin = new() { Id = "ADMIN000", Secret = "the+admin/secret=", Grants = [AccessGrant.Everything], Name = "the admin" };

    protected static readonly AccessKey Writer = new()
    {
        Id = "WRITER00",
        Secret = "the writer's secret",
        Grants = [new AccessGrant(AccessRights.Read | AccessRights.Write, "main", "mine/")],
    };

    private readonly AccessKeyRing _ring = new(Admin, Writer);

    protected AccessKeyRing Ring => _ring;

    protected override StrataServerOptions Options => new() { Access = _ring };

    protected string OwnerToken => Running.OwnerToken;

    protected Uri Address => Running.Server.Address;

    protected SignedMessage Sign(string method, string target, string body = "", string? payload = null, AccessKey? key = null, params (string Name, string Value)[] headers) =>
        SignedMessage.Of(key ?? Admin, Address, method, target, body, payload, headers: headers);

    /// <summary>Sends, and says that the answer is this error, and that nothing that a secret could be seen in was told.</summary>
    protected async Task RefusedAsync(SignedMessage message, int status, string code)
    {
        string answer = await message.SendAsync(Address);
        Assert.True(answer.StartsWith($"HTTP/1.1 {status} ", StringComparison.Ordinal), $"{message.Method} {message.Target} was to give {status} {code}, and gave: {answer}");
        if (message.Method == "HEAD") return;
        Assert.Contains($"<Code>{code}</Code>", answer);
        Assert.DoesNotContain(Admin.Secret, answer);
        Assert.DoesNotContain(Writer.Secret, answer);
        Assert.DoesNotContain("aws4_request\n", answer);
    }

    protected async Task ServedAsync(SignedMessage message, int status = 200)
    {
        string answer = await message.SendAsync(Address);
        Assert.True(answer.StartsWith($"HTTP/1.1 {status} ", StringComparison.Ordinal), $"{message.Method} {message.Target} was to give {status}, and gave: {answer}");
    }
}
