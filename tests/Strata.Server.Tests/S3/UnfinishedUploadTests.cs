using System.Globalization;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using Strata.Testing;
using Xunit;

namespace Strata.Server.Tests;

/// <summary>Uploads in parts that are begun and never ended: a bucket keeps so many, and then S3 clients are told to slow down.</summary>
public sealed class UnfinishedUploadTests : ServerTests
{
    private const int Max = 5;

    protected override StrataServerOptions Options => new() { MaxUnfinishedUploads = Max };

    [Fact]
    public async Task A_bucket_at_its_limit_begins_no_more_until_one_has_ended_also_after_a_restart()
    {
        string last = "";
        for (int n = 0; n < Max; n++) last = IdOf(await BeginAsync("main", 200));
        string refused = await BeginAsync("main", 503);
        Assert.Contains("<Code>SlowDown</Code>", refused);
        Assert.Contains("Complete or abort", refused);
        await BeginAsync("other", 200);

        await RestartAsync();
        await BeginAsync("main", 503);
        using (HttpResponseMessage aborted = await Http.DeleteAsync($"main/k?uploadId={last}")) Assert.Equal(204, (int)aborted.StatusCode);
        await Eventually.HoldsAsync(async () => (int)(await SendAsync("main")).Status == 200);
        await BeginAsync("main", 503);
    }

    [Fact]
    public async Task The_SDK_waits_and_tries_again()
    {
        var ids = new List<string>();
        for (int n = 0; n < Max; n++) ids.Add(IdOf(await BeginAsync("main", 200)));

        // On a busy machine the four attempts of its default may be over before the abort is counted.
        using var client = new AmazonS3Client(
            new BasicAWSCredentials("any", "thing"),
            new AmazonS3Config { ServiceURL = Running.Server.Address.ToString(), ForcePathStyle = true, AuthenticationRegion = "us-east-1", MaxErrorRetry = 20 });
        Task<InitiateMultipartUploadResponse> begun = client.InitiateMultipartUploadAsync("main", "k");
        await client.AbortMultipartUploadAsync("main", "k", ids[0]);
        Assert.NotEmpty((await begun).UploadId);
    }

    [Fact]
    public async Task Those_that_are_just_being_begun_count()
    {
        await using var inner = new MemoryBlobStore(new MemoryBlobStoreOptions());
        await using var store = new LatencyStore(inner);
        Assert.True(store.TryGetFacet(out IMultipartUploads? uploads));
        using var counted = new Counted();
        var unfinished = new UnfinishedUploads(Max, new FakeClock(), new ServerMetrics(counted.Context.Meter));
        using StoreGate gate = store.Hold(StoreOperation.CreateUpload);
        Task<MultipartUpload>[] begun = [.. Enumerable.Range(0, 2 * Max).Select(n => CreateAsync(n))];
        await gate.WaitForArrivalAsync(Max);
        await Eventually.HoldsAsync(() => Task.FromResult(begun.Count(t => t.IsFaulted) == Max));
        gate.Open();
        await Task.WhenAll(begun.Where(t => !t.IsFaulted));
        Assert.Equal(Max, (await uploads.ListUploadsAsync(new UploadListRequest())).Count);
        Assert.Equal(Max, counted["strata.server.refusals/unfinished"]);

        Task<MultipartUpload> CreateAsync(int n) =>
            unfinished.CreateAsync(store, uploads, BlobKey.Parse(n.ToString(CultureInfo.InvariantCulture)), new WriteOptions(), CancellationToken.None).AsTask();
    }

    [Fact]
    public async Task The_store_is_asked_only_at_the_limit_and_at_most_once_a_second()
    {
        const int Many = 1000;
        await using var store = new LatencyStore(new MemoryBlobStore(new MemoryBlobStoreOptions()));
        Assert.True(store.TryGetFacet(out IMultipartUploads? uploads));
        using var counted = new Counted();
        var clock = new FakeClock();
        var unfinished = new UnfinishedUploads(Many, clock, new ServerMetrics(counted.Context.Meter));
        for (int n = 0; n < 10; n++) await uploads.CreateAsync(BlobKey.Parse("of before"));
        for (int n = 10; n < Many; n++) await BeginAsync();
        Assert.Equal(1, store.CountOf(StoreOperation.ListUploads));

        // A count now would find the limit reached.
        clock.Advance(TimeSpan.FromSeconds(2));
        for (int n = 0; n < 100; n++) await Assert.ThrowsAsync<S3Exception>(BeginAsync);
        Assert.Equal(2, store.CountOf(StoreOperation.ListUploads));

        MultipartUpload ended = (await uploads.ListUploadsAsync(new UploadListRequest()))[0];
        Assert.True(await uploads.AbortAsync(ended.Key, ended.Id));
        await Assert.ThrowsAsync<S3Exception>(BeginAsync);
        clock.Advance(TimeSpan.FromSeconds(1));
        await BeginAsync();
        await Assert.ThrowsAsync<S3Exception>(BeginAsync);

        async Task BeginAsync() => await unfinished.CreateAsync(store, uploads, BlobKey.Parse("k"), new WriteOptions(), CancellationToken.None);
    }

    [Fact]
    public async Task More_than_a_listing_shows_at_once_are_counted()
    {
        const int Many = ListRequest.MaxLimit + 10;
        await using var store = new MemoryBlobStore(new MemoryBlobStoreOptions());
        Assert.True(store.TryGetFacet(out IMultipartUploads? uploads));
        using var counted = new Counted();
        var unfinished = new UnfinishedUploads(Many, new FakeClock(), new ServerMetrics(counted.Context.Meter));
        for (int n = 1; n < Many; n++) await uploads.CreateAsync(BlobKey.Parse("k"));
        await BeginAsync();
        await Assert.ThrowsAsync<S3Exception>(BeginAsync);

        async Task BeginAsync() => await unfinished.CreateAsync(store, uploads, BlobKey.Parse("k"), new WriteOptions(), CancellationToken.None);
    }

    private async Task<string> BeginAsync(string bucket, int status)
    {
        (System.Net.HttpStatusCode given, string body) = await SendAsync(bucket);
        Assert.Equal(status, (int)given);
        return body;
    }

    private async Task<(System.Net.HttpStatusCode Status, string Body)> SendAsync(string bucket)
    {
        using HttpResponseMessage answer = await Http.PostAsync($"{bucket}/k?uploads", null);
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync());
    }

    private static string IdOf(string xml) => xml.Split("<UploadId>")[1].Split('<')[0];
}
