using Strata.S3;
using Xunit;

namespace Strata.Backends.Tests;

/// <summary>Addresses of buckets: what they say, and what they must not.</summary>
public sealed class S3UrlTests
{
    [Fact]
    public void An_address_says_all_that_there_is_to_set()
    {
        S3BlobStoreOptions options = Parse(
            "s3://archive/media/2026?endpoint=http://127.0.0.1:9000&region=eu-central-1&provider=ceph&singleWriter=true&partSize=16MiB&parallelism=8&storageClass=COLD&encryption=aws:kms:key-1&progressTimeout=5s&looksBeforeWriting=false&tombstones=1d");
        Assert.Equal(("archive", "media/2026/", "http://127.0.0.1:9000/", "eu-central-1"), (options.Bucket, options.Prefix, options.Endpoint!.ToString(), options.Region));
        Assert.Equal((S3Provider.Ceph, true, 16 << 20, 8), (options.Provider, options.SingleWriter, options.PartSize, options.Parallelism));
        Assert.Equal(("COLD", S3Encryption.Kms("key-1"), TimeSpan.FromSeconds(5), false), (options.StorageClass, options.Encryption, options.ProgressTimeout, options.LooksBeforeWriting));
        Assert.Equal((TimeSpan.FromDays(1), null), (options.KeepsTombstones, Parse("s3://plain").KeepsTombstones));
        Assert.Equal(("plain", "", null), (Parse("s3://plain").Bucket, Parse("s3://plain/").Prefix, Parse("s3://plain").Provider));
    }

    [Theory]
    [InlineData("s3:", "names no bucket")]
    [InlineData("s3://b?accessKey=x", "accessKey")]
    [InlineData("s3://b?endpoint=nowhere", "endpoint")]
    [InlineData("s3://b?endpoint=ftp://host", "http or https")]
    [InlineData("s3://b?endpoint=http://id:secret@host", "credentials")]
    [InlineData("s3://b?provider=other", "takes aws or ceph")]
    [InlineData("s3://b?partSize=1MiB", "PartSize")]
    [InlineData("s3://b?parallelism=many", "parallelism")]
    [InlineData("s3://b?tombstones=29m", "KeepsTombstones")]
    [InlineData("s3://b/a//b", "prefix")]
    public async Task A_wrong_address_is_refused_and_says_why(string url, string why)
    {
        var registry = new StoreUrlRegistry();
        registry.RegisterS3();
        var error = await Assert.ThrowsAsync<StrataConfigurationException>(async () => await registry.OpenAsync(url));
        Assert.Contains(why, error.Message, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("id:secret", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_endpoint_gives_away_the_providers_that_have_names_of_their_own()
    {
        Assert.Equal(S3Provider.Aws, S3Provider.Of(null));
        Assert.Equal(S3Provider.Aws, S3Provider.Of(new Uri("https://s3.eu-central-1.amazonaws.com")));
        Assert.Equal(S3Provider.R2, S3Provider.Of(new Uri("https://account.r2.cloudflarestorage.com")));
        Assert.Null(S3Provider.Of(new Uri("https://storage.example.com")));
    }

    private static S3BlobStoreOptions Parse(string url) => S3Urls.OptionsOf(StoreUrl.Parse(url), new StoreOpening { Name = "cold" });
}
