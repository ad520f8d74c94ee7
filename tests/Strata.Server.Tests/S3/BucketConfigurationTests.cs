using System.Net;
using System.Text;
using System.Xml.Linq;
using Amazon.S3;
using Amazon.S3.Model;
using Xunit;

namespace Strata.Server.Tests;

/// <summary>What tools ask of a bucket and its objects before they begin.</summary>
public class BucketConfigurationTests : ServerTests
{
    private static readonly XNamespace S3 = "http://s3.amazonaws.com/doc/2006-03-01/";

    [Theory]
    [InlineData("policy", "NoSuchBucketPolicy")]
    [InlineData("policyStatus", "NoSuchBucketPolicy")]
    [InlineData("lifecycle", "NoSuchLifecycleConfiguration")]
    [InlineData("cors", "NoSuchCORSConfiguration")]
    [InlineData("website", "NoSuchWebsiteConfiguration")]
    [InlineData("tagging", "NoSuchTagSet")]
    [InlineData("encryption", "ServerSideEncryptionConfigurationNotFoundError")]
    [InlineData("object-lock", "ObjectLockConfigurationNotFoundError")]
    [InlineData("replication", "ReplicationConfigurationNotFoundError")]
    [InlineData("publicAccessBlock", "NoSuchPublicAccessBlockConfiguration")]
    [InlineData("ownershipControls", "OwnershipControlsNotFoundError")]
    public async Task What_is_not_configured_says_so(string subResource, string code)
    {
        using HttpResponseMessage answer = await Http.GetAsync($"main?{subResource}");
        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        Assert.Contains($"<Code>{code}</Code>", await answer.Content.ReadAsStringAsync());
        using HttpResponseMessage nowhere = await Http.GetAsync($"nowhere?{subResource}");
        Assert.Contains("<Code>NoSuchBucket</Code>", await nowhere.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task What_is_empty_reads_as_empty()
    {
        using AmazonS3Client client = Running.CreateClient();
        Assert.Equal(VersionStatus.Off, (await client.GetBucketVersioningAsync("main")).VersioningConfig.Status);
        Assert.Null((await client.GetBucketLoggingAsync("main")).BucketLoggingConfig?.TargetBucketName);
        Assert.Equal("BucketOwner", (await client.GetBucketRequestPaymentAsync("main")).Payer);
        Assert.Empty((await client.GetBucketNotificationAsync("main")).TopicConfigurations ?? []);
        Assert.Null((await client.GetBucketAccelerateConfigurationAsync("main")).Status);
    }

    [Fact]
    public async Task Everything_is_its_owners_who_may_do_all_of_it()
    {
        await Running.Store.PutBytesAsync(BlobKey.Parse("k"), new byte[1]);
        using AmazonS3Client client = Running.CreateClient();
        GetBucketAclResponse bucket = await client.GetBucketAclAsync(new GetBucketAclRequest { BucketName = "main" });
        GetObjectAclResponse entry = await client.GetObjectAclAsync(new GetObjectAclRequest { BucketName = "main", Key = "k" });
        Assert.Equal(("strata", "strata", S3Permission.FULL_CONTROL), (bucket.Owner.Id, bucket.Grants.Single().Grantee.CanonicalUser, bucket.Grants.Single().Permission));
        Assert.Equal(S3Permission.FULL_CONTROL, entry.Grants.Single().Permission);

        await client.PutObjectAclAsync(new PutObjectAclRequest { BucketName = "main", Key = "k", ACL = S3CannedACL.Private });
        using HttpResponseMessage asRead = await PutAclAsync("main/k?acl", await Http.GetStringAsync("main/k?acl"));
        Assert.Equal(HttpStatusCode.OK, asRead.StatusCode);
        await RefusedAsync(await PutAclAsync("main/missing?acl", ""), "NoSuchKey");
        using HttpResponseMessage missing = await Http.GetAsync("main/missing?acl");
        await RefusedAsync(missing, "NoSuchKey");
    }

    [Theory]
    [InlineData("<AccessControlPolicy><AccessControlList><Grant><Grantee><URI>http://acs.amazonaws.com/groups/global/AllUsers</URI></Grantee><Permission>FULL_CONTROL</Permission></Grant></AccessControlList></AccessControlPolicy>", "NotImplemented")]
    [InlineData("<AccessControlPolicy><AccessControlList><Grant><Grantee><ID>strata</ID></Grantee><Permission>READ</Permission></Grant></AccessControlList></AccessControlPolicy>", "NotImplemented")]
    [InlineData("<AccessControlPolicy><AccessControlList><Grant><Grantee><ID>other</ID></Grantee><Permission>FULL_CONTROL</Permission></Grant></AccessControlList></AccessControlPolicy>", "NotImplemented")]
    [InlineData("<AccessControlPolicy><AccessControlList><Grant><Other/></Grant></AccessControlList></AccessControlPolicy>", "MalformedXML")]
    [InlineData("<Policy/>", "MalformedXML")]
    [InlineData("", "MalformedXML")]
    public async Task Rights_for_others_are_refused(string acl, string code) => await RefusedAsync(await PutAclAsync("main?acl", acl), code);

    [Fact]
    public async Task A_canned_list_for_others_is_refused()
    {
        using AmazonS3Client client = Running.CreateClient();
        AmazonS3Exception error = await Assert.ThrowsAsync<AmazonS3Exception>(() => client.PutBucketAclAsync(new PutBucketAclRequest { BucketName = "main", ACL = S3CannedACL.PublicRead }));
        Assert.Equal("NotImplemented", error.ErrorCode);
    }

    [Fact]
    public async Task Every_object_is_its_only_version()
    {
        foreach (string key in new[] { "a", "b/1", "b/2", "c ü" }) await Running.Store.PutBytesAsync(BlobKey.Parse(key), new byte[1]);
        using AmazonS3Client client = Running.CreateClient();
        var request = new ListVersionsRequest { BucketName = "main", Delimiter = "/", MaxKeys = 1 };
        var seen = new List<string>();
        ListVersionsResponse page;
        do
        {
            page = await client.ListVersionsAsync(request);
            seen.AddRange((page.Versions ?? []).Select(v => $"{v.Key} {v.VersionId} {v.IsLatest}"));
            seen.AddRange(page.CommonPrefixes ?? []);
            (request.KeyMarker, request.VersionIdMarker) = (page.NextKeyMarker, page.NextVersionIdMarker);
        }
        while (page.IsTruncated == true);
        Assert.Equal(["a null True", "b/", "c ü null True"], seen);
        XElement encoded = XElement.Parse(await Http.GetStringAsync("main?versions&encoding-type=url&prefix=c"));
        Assert.Equal("c%20%C3%BC", encoded.Element(S3 + "Version")!.Element(S3 + "Key")!.Value);
    }

    [Fact]
    public async Task The_version_null_is_the_object()
    {
        await Running.Store.PutBytesAsync(BlobKey.Parse("k"), "x"u8.ToArray());
        Assert.Equal("x", await Http.GetStringAsync("main/k?versionId=null"));
        using HttpResponseMessage deleted = await Http.DeleteAsync("main/k?versionId=null");
        Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        Assert.Null(await Running.Store.StatAsync(BlobKey.Parse("k")));
    }

    [Fact]
    public async Task A_folder_marker_is_an_object_of_its_own()
    {
        using AmazonS3Client client = Running.CreateClient();
        await client.PutObjectAsync(new PutObjectRequest { BucketName = "main", Key = "folder/", ContentBody = "" });
        await client.PutObjectAsync(new PutObjectRequest { BucketName = "main", Key = "folder/file", ContentBody = "x" });
        Assert.Equal(0, (await client.GetObjectMetadataAsync("main", "folder/")).ContentLength);
        ListObjectsV2Response inside = await client.ListObjectsV2Async(new ListObjectsV2Request { BucketName = "main", Prefix = "folder/", Delimiter = "/" });
        Assert.Equal(["folder/", "folder/file"], inside.S3Objects.Select(o => o.Key));
        ListObjectsV2Response top = await client.ListObjectsV2Async(new ListObjectsV2Request { BucketName = "main", Delimiter = "/", FetchOwner = true });
        Assert.Equal(["folder/"], top.CommonPrefixes);
        await client.DeleteObjectAsync("main", "folder/");
        Assert.Equal(["folder/file"], (await client.ListObjectsV2Async(new ListObjectsV2Request { BucketName = "main" })).S3Objects.Select(o => o.Key));
    }

    private async Task<HttpResponseMessage> PutAclAsync(string path, string acl) => await Http.PutAsync(path, new StringContent(acl, Encoding.UTF8, "application/xml"));

    private static async Task RefusedAsync(HttpResponseMessage answer, string code) => Assert.Contains($"<Code>{code}</Code>", await answer.Content.ReadAsStringAsync());
}
