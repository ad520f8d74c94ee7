using System.Net;
using Amazon.S3;
using Amazon.S3.Model;
using Xunit;

namespace Strata.Server.Tests;

public class TaggingTests : ServerTests
{
    private AmazonS3Client Client => field ??= Running.CreateClient();

    [Fact]
    public async Task Tags_are_set_read_and_removed_without_changing_the_object()
    {
        string etag = (await Client.PutObjectAsync(new PutObjectRequest { BucketName = "main", Key = "k", ContentBody = "x", ContentType = "text/plain" })).ETag;
        await Client.PutObjectTaggingAsync(new PutObjectTaggingRequest
        {
            BucketName = "main", Key = "k", Tagging = new Tagging { TagSet = [new Tag { Key = "project", Value = "zwölf + @more" }, new Tag { Key = "empty", Value = "" }] },
        });
        GetObjectTaggingResponse tags = await Client.GetObjectTaggingAsync(new GetObjectTaggingRequest { BucketName = "main", Key = "k" });
        Assert.Equal([("project", "zwölf + @more"), ("empty", "")], tags.Tagging.Select(t => (t.Key, t.Value ?? "")));
        GetObjectMetadataResponse head = await Client.GetObjectMetadataAsync("main", "k");
        Assert.Equal((etag, "text/plain"), (head.ETag, head.Headers.ContentType));
        Assert.Empty(head.Metadata.Keys);
        using (HttpResponseMessage get = await Http.GetAsync("main/k")) Assert.Equal("2", get.Headers.GetValues("x-amz-tagging-count").Single());

        await Client.DeleteObjectTaggingAsync(new DeleteObjectTaggingRequest { BucketName = "main", Key = "k" });
        Assert.Empty((await Client.GetObjectTaggingAsync(new GetObjectTaggingRequest { BucketName = "main", Key = "k" })).Tagging ?? []);
        Assert.Equal(etag, (await Client.GetObjectMetadataAsync("main", "k")).ETag);
        Assert.DoesNotContain("s3:tags", (await Running.Store.StatAsync(BlobKey.Parse("k")))!.Metadata.Keys);
    }

    [Fact]
    public async Task Tags_come_with_an_upload_and_go_along_with_a_copy()
    {
        await Client.PutObjectAsync(new PutObjectRequest { BucketName = "main", Key = "k", ContentBody = "x", TagSet = [new Tag { Key = "a b", Value = "1=2" }, new Tag { Key = "c", Value = "" }] });
        Assert.Equal("a b=1=2,c=", await TagsAsync("main", "k"));
        foreach (string bucket in new[] { "main", "other" })
        {
            await Client.CopyObjectAsync("main", "k", bucket, "copy");
            Assert.Equal("a b=1=2,c=", await TagsAsync(bucket, "copy"));
            var replace = new CopyObjectRequest
            {
                SourceBucket = "main", SourceKey = "k", DestinationBucket = bucket, DestinationKey = "copy", TaggingDirective = TaggingDirective.REPLACE, TagSet = [new Tag { Key = "n", Value = "3" }],
            };
            await Client.CopyObjectAsync(replace);
            Assert.Equal("n=3", await TagsAsync(bucket, "copy"));
        }

        // Onto itself: new metadata leaves the tags, and new tags leave the metadata.
        var self = new CopyObjectRequest { SourceBucket = "main", SourceKey = "k", DestinationBucket = "main", DestinationKey = "k", MetadataDirective = S3MetadataDirective.REPLACE, ContentType = "text/x" };
        self.Metadata["m"] = "1";
        await Client.CopyObjectAsync(self);
        Assert.Equal("a b=1=2,c=", await TagsAsync("main", "k"));
        await Client.CopyObjectAsync(new CopyObjectRequest
        {
            SourceBucket = "main", SourceKey = "k", DestinationBucket = "main", DestinationKey = "k", TaggingDirective = TaggingDirective.REPLACE, TagSet = [new Tag { Key = "n", Value = "3" }],
        });
        Assert.Equal("n=3", await TagsAsync("main", "k"));
        GetObjectMetadataResponse head = await Client.GetObjectMetadataAsync("main", "k");
        Assert.Equal(("1", "text/x"), (head.Metadata["m"], head.Headers.ContentType));
    }

    [Fact]
    public async Task A_write_without_tags_has_none()
    {
        await Client.PutObjectAsync(new PutObjectRequest { BucketName = "main", Key = "k", ContentBody = "x", TagSet = [new Tag { Key = "a", Value = "1" }] });
        await Client.PutObjectAsync(new PutObjectRequest { BucketName = "main", Key = "k", ContentBody = "y" });
        Assert.Equal("", await TagsAsync("main", "k"));
    }

    public static TheoryData<string, string, string> Wrong => new()
    {
        { Set("<Tag><Key>a</Key><Value>1</Value></Tag><Tag><Key>a</Key><Value>2</Value></Tag>"), "InvalidTag", "same key" },
        { Set($"<Tag><Key>{new string('k', 129)}</Key><Value/></Tag>"), "InvalidTag", "128" },
        { Set($"<Tag><Key>k</Key><Value>{new string('v', 257)}</Value></Tag>"), "InvalidTag", "256" },
        { Set("<Tag><Key></Key><Value>v</Value></Tag>"), "InvalidTag", "key" },
        { Set("<Tag><Key>a&#10;b</Key><Value>v</Value></Tag>"), "InvalidTag", "key" },
        { Set("<Tag><Key>k</Key><Value>a&amp;b</Value></Tag>"), "InvalidTag", "value" },
        { Set("<Tag><Key>aws:k</Key><Value>v</Value></Tag>"), "InvalidTag", "aws:" },
        { Set(string.Concat(Enumerable.Range(0, 11).Select(i => $"<Tag><Key>{i}</Key><Value/></Tag>"))), "BadRequest", "10" },
        { Set("<Tag><Key>k</Key></Tag>"), "MalformedXML", "XML" },
        { Set("<Tag><Key>k</Key><Value>v</Value><More/></Tag>"), "MalformedXML", "XML" },
        { Set("text"), "MalformedXML", "XML" },
        { "<Tagging><TagSet/></Tagging><Tagging/>", "MalformedXML", "XML" },
        { "<!DOCTYPE t [<!ENTITY e 'k'>]><Tagging><TagSet><Tag><Key>&e;</Key><Value/></Tag></TagSet></Tagging>", "MalformedXML", "XML" },
        { string.Concat(Enumerable.Repeat("<Tagging>", 50_000)), "MalformedXML", "XML" },
        { "", "MalformedXML", "XML" },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public async Task Tags_beyond_the_limits_change_nothing(string xml, string code, string says)
    {
        await Client.PutObjectAsync(new PutObjectRequest { BucketName = "main", Key = "k", ContentBody = "x", TagSet = [new Tag { Key = "a", Value = "1" }] });
        using HttpResponseMessage answer = await Http.PutAsync("main/k?tagging", new StringContent(xml));
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        string error = await answer.Content.ReadAsStringAsync();
        Assert.Contains($"<Code>{code}</Code>", error);
        Assert.Contains(says, error);
        Assert.Equal("a=1", await TagsAsync("main", "k"));
    }

    [Theory]
    [InlineData("a=1&a=2", "InvalidTag")]
    [InlineData("a=%ZZ", "InvalidTag")]
    [InlineData("=1", "InvalidTag")]
    [InlineData("a=1&b=2&c=3&d=4&e=5&f=6&g=7&h=8&i=9&j=10&k=11", "BadRequest")]
    public async Task A_header_beyond_the_limits_writes_nothing(string tagging, string code)
    {
        string answer = await RawConnection.SendAsync(Running.Server.Address, "PUT /main/new", $"Content-Length: 0\r\nx-amz-tagging: {tagging}\r\n");
        Assert.StartsWith("HTTP/1.1 400", answer);
        Assert.Contains($"<Code>{code}</Code>", answer);
        Assert.Null(await Running.Store.StatAsync(BlobKey.Parse("new")));
    }

    [Fact]
    public async Task Tags_that_do_not_fit_beside_the_metadata_are_refused()
    {
        var metadata = new Dictionary<string, string> { ["m"] = new('x', 8000) };
        await Running.Store.PutBytesAsync(BlobKey.Parse("k"), new byte[1], new WriteOptions { Metadata = metadata });
        string tags = Set($"<Tag><Key>k</Key><Value>{new string('v', 256)}</Value></Tag>");
        using HttpResponseMessage answer = await Http.PutAsync("main/k?tagging", new StringContent(tags));
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Contains("<Code>MetadataTooLarge</Code>", await answer.Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("PUT")]
    [InlineData("DELETE")]
    public async Task A_missing_object_has_no_tags(string method)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), "main/missing?tagging") { Content = method == "PUT" ? new StringContent(Set("")) : null };
        using HttpResponseMessage answer = await Http.SendAsync(request);
        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        Assert.Contains("<Code>NoSuchKey</Code>", await answer.Content.ReadAsStringAsync());
    }

    private static string Set(string tags) => $"<Tagging><TagSet>{tags}</TagSet></Tagging>";

    private async Task<string> TagsAsync(string bucket, string key)
    {
        GetObjectTaggingResponse tags = await Client.GetObjectTaggingAsync(new GetObjectTaggingRequest { BucketName = bucket, Key = key });
        return string.Join(',', (tags.Tagging ?? []).Select(t => $"{t.Key}={t.Value}"));
    }
}
