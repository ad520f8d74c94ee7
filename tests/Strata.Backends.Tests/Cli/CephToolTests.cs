using Xunit;

namespace Strata.Backends.Tests;

[Collection(nameof(CephServer))]
public sealed class CephToolTests(CephServer server) : ToolTests
{
    private string _bucket = "";

    protected override string Nowhere => "s3://no-such-bucket/a";

    protected override IReadOnlyDictionary<string, string> Environment => With(server.Secret);

    protected override IReadOnlyDictionary<string, string> Wrong => With("wrong");

    public override async ValueTask InitializeAsync() => _bucket = await server.CreateBucketAsync();

    public override async ValueTask DisposeAsync()
    {
        await server.RemoveBucketAsync(_bucket);
        await base.DisposeAsync();
    }

    protected override string At(string key) => $"s3://{_bucket}/{key}";

    private Dictionary<string, string> With(string secret) => new()
    {
        ["AWS_ENDPOINT_URL"] = server.Endpoint.ToString(), ["AWS_ACCESS_KEY_ID"] = server.KeyId, ["AWS_SECRET_ACCESS_KEY"] = secret,
    };
}
