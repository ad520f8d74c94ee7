using Amazon.Runtime;
using Strata.S3;

namespace Strata.Benchmarks;

/// <summary><see cref="S3BlobStore"/> against AWSSDK.S3, over our own server and over Ceph.</summary>
internal sealed class S3Store : ObjectStoreCase
{
    private const string Bucket = "main";
    private const int Page = 1_000;

    public override string Name => "s3-store";

    public override string Summary => "S3BlobStore against AWSSDK.S3 doing the same work, over our own server and over Ceph: 1 KiB by 1 and 16 callers, 64 MiB up and down, a list of 100,000";

    public override async Task RunAsync(Contest contest)
    {
        using var folder = new WorkFolder();
        await using (ServerProcess strata = await ServerProcess.StartSignedTiersAsync(folder["strata"]))
            await CompareAsync(contest, "Strata", strata.Address, S3Provider.Strata, ServerProcess.Credentials);

        await using ObjectServer ceph = await ObjectServer.StartCephAsync();
        var credentials = new BasicAWSCredentials(ObjectServer.CephKeyId, ObjectServer.CephSecret);
        using (var client = S3SdkCalls.ClientOf(ceph.Address, credentials)) await client.PutBucketAsync(Bucket);
        await CompareAsync(contest, "Ceph", ceph.Address, S3Provider.Ceph, credentials);
    }

    private async Task CompareAsync(Contest contest, string server, Uri address, S3Provider provider, AWSCredentials credentials)
    {
        var options = new S3BlobStoreOptions { Bucket = Bucket, Endpoint = address, Provider = provider, Credentials = credentials };
        await using var ours = new StoreCalls(await S3BlobStore.OpenAsync(options), Page);
        await using var blind = new StoreCalls(await S3BlobStore.OpenAsync(options with { LooksBeforeWriting = false }), Page);
        await using var sdk = new S3SdkCalls(address, Bucket, credentials);
        await CompareAsync(contest, server, ours, blind, sdk);
    }
}
