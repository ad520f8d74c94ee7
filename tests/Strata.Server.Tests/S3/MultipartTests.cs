using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using Amazon.S3;
using Amazon.S3.Model;
using Amazon.S3.Transfer;
using Xunit;

namespace Strata.Server.Tests;

/// <summary>Uploads in parts with the AWS SDK as it comes, over memory and disk; digests are those that python3 computed.</summary>
public class MultipartTests : ServerTests
{
    private const string ETag = "8c6f96fe400c627d9394af6161f5921d-2";
    private static readonly byte[] First = Filled('a', 5 << 20), Second = Filled('b', 1000), Whole = [.. First, .. Second];
    private static readonly BlobKey Key = BlobKey.Parse("k");

    private AmazonS3Client Client => Running.CreateClient();

    [Fact]
    public async Task Parts_in_any_order_become_the_object()
    {
        var begin = new InitiateMultipartUploadRequest { BucketName = "main", Key = "k", ContentType = "text/plain", TagSet = [new Tag { Key = "t", Value = "1" }] };
        begin.Metadata["color"] = "blue";
        string id = (await Client.InitiateMultipartUploadAsync(begin)).UploadId;
        PartETag second = await UploadAsync(id, 7, Second), first = await UploadAsync(id, 2, First);
        Assert.Equal("\"79b281060d337b9b2b84ccf390adcf74\"", first.ETag);
        Assert.Null(await Running.Store.StatAsync(Key));
        CompleteMultipartUploadResponse completed = await CompleteAsync(id, first, second);
        Assert.Equal(($"\"{ETag}\"", "main", "k"), (completed.ETag, completed.BucketName, completed.Key));
        Assert.Equal(new Uri(Running.Server.Address, "main/k").ToString(), completed.Location);

        using GetObjectResponse read = await Client.GetObjectAsync("main", "k");
        Assert.Equal(Whole, await BytesAsync(read));
        Assert.Equal(("text/plain", "blue", $"\"{ETag}\"", 1), (read.Headers.ContentType, read.Metadata["color"], read.ETag, read.TagCount));
        Assert.Equal(["x-amz-meta-color"], read.Metadata.Keys);
        Assert.Empty((await Client.ListMultipartUploadsAsync("main")).MultipartUploads ?? []);
        await FailsAsync(HttpStatusCode.NotFound, "NoSuchUpload", () => UploadAsync(id, 1, Second));
    }

    [Fact]
    public async Task An_upload_goes_on_after_a_restart()
    {
        string id = await BeginAsync();
        PartETag first = await UploadAsync(id, 1, First);
        await RestartAsync();
        ListPartsResponse parts = await Client.ListPartsAsync("main", "k", id);
        Assert.Equal([(1, First.LongLength, first.ETag)], parts.Parts.Select(p => (p.PartNumber!.Value, p.Size!.Value, p.ETag)));
        PartETag second = await UploadAsync(id, 2, Second);
        await CompleteAsync(id, first, second);
        await RestartAsync();
        Assert.Equal(Whole, await Running.Store.GetBytesAsync(Key));

        // Its answer might have been lost with the server: asked again it is given again, also by the next server.
        Assert.Equal($"\"{ETag}\"", (await CompleteAsync(id, first, second)).ETag);
    }

    [Fact]
    public async Task A_completion_whose_answer_was_lost_is_answered_again_but_no_other_one()
    {
        string id = await BeginAsync();
        PartETag first = await UploadAsync(id, 1, First), second = await UploadAsync(id, 2, Second);
        await CompleteAsync(id, first, second);
        await Client.PutObjectTaggingAsync(new PutObjectTaggingRequest { BucketName = "main", Key = "k", Tagging = new Tagging { TagSet = [new Tag { Key = "a", Value = "b" }] } });
        var again = new CompleteMultipartUploadRequest { BucketName = "main", Key = "k", UploadId = id, PartETags = [first, second], IfNoneMatch = "*" };
        Assert.Equal($"\"{ETag}\"", (await Client.CompleteMultipartUploadAsync(again)).ETag);
        await FailsAsync(HttpStatusCode.NotFound, "NoSuchUpload", () => CompleteAsync(id, first));
        await FailsAsync(HttpStatusCode.NotFound, "NoSuchUpload", () => CompleteAsync(id + "0", first, second));

        await Client.CopyObjectAsync("main", "k", "main", "copy");
        again = new CompleteMultipartUploadRequest { BucketName = "main", Key = "copy", UploadId = id, PartETags = [first, second] };
        await FailsAsync(HttpStatusCode.NotFound, "NoSuchUpload", () => Client.CompleteMultipartUploadAsync(again));
        await Client.PutObjectAsync(new PutObjectRequest { BucketName = "main", Key = "k", ContentBody = "newer" });
        await FailsAsync(HttpStatusCode.NotFound, "NoSuchUpload", () => CompleteAsync(id, first, second));
    }

    [Fact]
    public async Task What_does_not_fit_leaves_the_upload_as_it_was()
    {
        string id = await BeginAsync();
        PartETag first = await UploadAsync(id, 1, Second), second = await UploadAsync(id, 2, Second), third = await UploadAsync(id, 3, Second);
        await FailsAsync(HttpStatusCode.BadRequest, "EntityTooSmall", () => CompleteAsync(id, first, second));
        await FailsAsync(HttpStatusCode.BadRequest, "InvalidPart", () => CompleteAsync(id, new PartETag(1, "\"00000000000000000000000000000000\"")));
        await FailsAsync(HttpStatusCode.BadRequest, "InvalidPart", () => CompleteAsync(id, new PartETag(1, "other")));
        await FailsAsync(HttpStatusCode.BadRequest, "InvalidPart", () => CompleteAsync(id, new PartETag(4, first.ETag)));
        Assert.Equal(3, (await Client.ListPartsAsync("main", "k", id)).Parts.Count);

        await Client.PutObjectAsync(new PutObjectRequest { BucketName = "main", Key = "k", ContentBody = "there" });
        var absent = new CompleteMultipartUploadRequest { BucketName = "main", Key = "k", UploadId = id, PartETags = [third], IfNoneMatch = "*" };
        await FailsAsync(HttpStatusCode.PreconditionFailed, "PreconditionFailed", () => Client.CompleteMultipartUploadAsync(absent));
        var match = new CompleteMultipartUploadRequest { BucketName = "main", Key = "k", UploadId = id, PartETags = [third], IfMatch = "\"other\"" };
        await FailsAsync(HttpStatusCode.PreconditionFailed, "PreconditionFailed", () => Client.CompleteMultipartUploadAsync(match));
        await Client.DeleteObjectAsync("main", "k");
        await FailsAsync(HttpStatusCode.NotFound, "NoSuchKey", () => Client.CompleteMultipartUploadAsync(match));
        var sized = new CompleteMultipartUploadRequest { BucketName = "main", Key = "k", UploadId = id, PartETags = [third], MpuObjectSize = 1001 };
        await FailsAsync(HttpStatusCode.BadRequest, "InvalidRequest", () => Client.CompleteMultipartUploadAsync(sized));
        sized.MpuObjectSize = 1000;
        await Client.CompleteMultipartUploadAsync(sized);
        Assert.Equal(Second, await Running.Store.GetBytesAsync(Key));
    }

    [Fact]
    public async Task An_aborted_upload_is_gone()
    {
        string id = await BeginAsync();
        PartETag part = await UploadAsync(id, 1, Second);
        Assert.Equal(HttpStatusCode.NoContent, (await Client.AbortMultipartUploadAsync("main", "k", id)).HttpStatusCode);
        await FailsAsync(HttpStatusCode.NotFound, "NoSuchUpload", () => Client.AbortMultipartUploadAsync("main", "k", id));
        await FailsAsync(HttpStatusCode.NotFound, "NoSuchUpload", () => Client.ListPartsAsync("main", "k", id));
        await FailsAsync(HttpStatusCode.NotFound, "NoSuchUpload", () => CompleteAsync(id, part));
        await FailsAsync(HttpStatusCode.NotFound, "NoSuchUpload", () => UploadAsync(id, 1, Second));
    }

    [Theory]
    [InlineData("CRC32", "COMPOSITE", "MQVsmQ==-2")]
    [InlineData("CRC32", "FULL_OBJECT", "rRO7Ng==")]
    [InlineData("CRC32C", "COMPOSITE", "datXvA==-2")]
    [InlineData("CRC32C", "FULL_OBJECT", "fOkkdw==")]
    [InlineData("CRC64NVME", "FULL_OBJECT", "6kicW+ugDI8=")]
    [InlineData("SHA1", "COMPOSITE", "VJcEcRhm1eYGYrFO9J/zqksnLEQ=-2")]
    [InlineData("SHA256", "COMPOSITE", "gzKREhG1RwKmrTCIEhem1Qh4SLYssbnaSjmwJsKJ6aA=-2")]
    public async Task The_object_has_the_checksum_that_was_agreed_on(string algorithm, string type, string value)
    {
        string header = $"x-amz-checksum-{algorithm.ToLowerInvariant()}";
        using HttpResponseMessage begun = await SendAsync("POST", "main/k?uploads", null, ("x-amz-checksum-algorithm", algorithm), ("x-amz-checksum-type", type));
        Assert.Equal((algorithm, type), (begun.Headers.GetValues("x-amz-checksum-algorithm").Single(), begun.Headers.GetValues("x-amz-checksum-type").Single()));
        string id = Between(await begun.Content.ReadAsStringAsync(), "UploadId");
        string listed = "";
        foreach ((int number, byte[] bytes) in new[] { (1, First), (2, Second) })
        {
            // No value is given: it is computed all the same.
            using HttpResponseMessage part = await SendAsync("PUT", $"main/k?uploadId={id}&partNumber={number}", bytes);
            listed += $"<Part><PartNumber>{number}</PartNumber><ETag>{part.Headers.ETag!.Tag}</ETag><Checksum{algorithm}>{part.Headers.GetValues(header).Single()}</Checksum{algorithm}></Part>";
        }

        string parts = await Http.GetStringAsync($"main/k?uploadId={id}");
        Assert.Contains($"<ChecksumAlgorithm>{algorithm}</ChecksumAlgorithm><ChecksumType>{type}</ChecksumType>", parts);
        Assert.Contains($"<Checksum{algorithm}>", parts);
        using HttpResponseMessage mismatched = await SendAsync("PUT", $"main/k?uploadId={id}&partNumber=1", Second, ("x-amz-sdk-checksum-algorithm", algorithm == "SHA1" ? "CRC32" : "SHA1"));
        Assert.Equal(HttpStatusCode.BadRequest, mismatched.StatusCode);

        string wrong = Convert.ToBase64String(new byte[Convert.FromBase64String(value.Split('-')[0]).Length]);
        using HttpResponseMessage refused = await CompleteAsync(id, listed, (header, wrong), ("x-amz-checksum-type", type));
        Assert.Contains("<Code>BadDigest</Code>", await refused.Content.ReadAsStringAsync());
        using HttpResponseMessage other = await CompleteAsync(id, listed.Replace($"</Checksum{algorithm}></Part><Part>", $"A</Checksum{algorithm}></Part><Part>", StringComparison.Ordinal));
        Assert.Contains("<Code>InvalidPart</Code>", await other.Content.ReadAsStringAsync());
        using HttpResponseMessage completed = await CompleteAsync(id, listed, (header, value), ("x-amz-checksum-type", type));
        Assert.Contains($"<Checksum{algorithm}>{value}</Checksum{algorithm}><ChecksumType>{type}</ChecksumType>", await completed.Content.ReadAsStringAsync());

        using HttpResponseMessage head = await SendAsync("HEAD", "main/k", null, ("x-amz-checksum-mode", "ENABLED"));
        Assert.Equal((value, type, $"\"{ETag}\""), (head.Headers.GetValues(header).Single(), head.Headers.GetValues("x-amz-checksum-type").Single(), head.Headers.ETag!.Tag));
        using HttpResponseMessage attributes = await SendAsync("GET", "main/k?attributes", null, ("x-amz-object-attributes", "Checksum,ObjectParts"), ("x-amz-max-parts", "1"));
        string xml = await attributes.Content.ReadAsStringAsync();
        Assert.Contains($"<Checksum{algorithm}>{value}</Checksum{algorithm}>", xml);
        Assert.Contains("<PartsCount>2</PartsCount><PartNumberMarker>0</PartNumberMarker><NextPartNumberMarker>1</NextPartNumberMarker><MaxParts>1</MaxParts><IsTruncated>true</IsTruncated><Part><PartNumber>1</PartNumber><Size>5242880</Size></Part></ObjectParts>", xml);
    }

    [Theory]
    [InlineData("CRC64NVME", "COMPOSITE")]
    [InlineData("SHA1", "FULL_OBJECT")]
    [InlineData("SHA256", "FULL_OBJECT")]
    [InlineData("SHA256", "HALF_OBJECT")]
    [InlineData("MD5", "COMPOSITE")]
    [InlineData("", "COMPOSITE")]
    public async Task No_upload_is_begun_with_a_checksum_that_is_none(string algorithm, string type)
    {
        using HttpResponseMessage answer = await SendAsync("POST", "main/k?uploads", null, ("x-amz-checksum-algorithm", algorithm), ("x-amz-checksum-type", type));
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Contains("<Code>InvalidRequest</Code>", await answer.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task A_part_can_be_a_piece_of_another_object()
    {
        byte[] source = RandomNumberGenerator.GetBytes(6 << 20);
        string etag = (await Client.PutObjectAsync(new PutObjectRequest { BucketName = "other", Key = "s é+", InputStream = new MemoryStream(source) })).ETag;
        string id = await BeginAsync();
        var copy = new CopyPartRequest { SourceBucket = "other", SourceKey = "s é+", DestinationBucket = "main", DestinationKey = "k", UploadId = id, PartNumber = 1, ETagToMatch = [etag] };
        CopyPartResponse whole = await Client.CopyPartAsync(copy);
        Assert.Equal(etag, whole.ETag);
        (copy.PartNumber, copy.FirstByte, copy.LastByte) = (2, 1000, 1999);
        CopyPartResponse piece = await Client.CopyPartAsync(copy);
        Assert.Equal($"\"{Convert.ToHexStringLower(MD5.HashData(source.AsSpan(1000, 1000)))}\"", piece.ETag);

        copy.LastByte = source.Length;
        await FailsAsync(HttpStatusCode.BadRequest, "InvalidArgument", () => Client.CopyPartAsync(copy));
        copy.LastByte = 1999;
        copy.ETagToMatch = ["\"other\""];
        await FailsAsync(HttpStatusCode.PreconditionFailed, "PreconditionFailed", () => Client.CopyPartAsync(copy));
        copy.ETagToMatch = [];
        copy.SourceKey = "missing";
        await FailsAsync(HttpStatusCode.NotFound, "NoSuchKey", () => Client.CopyPartAsync(copy));

        await CompleteAsync(id, new PartETag(1, whole.ETag), new PartETag(2, piece.ETag));
        byte[] expected = [.. source, .. source.AsSpan(1000, 1000)];
        Assert.Equal(expected, await Running.Store.GetBytesAsync(Key));
    }

    [Fact]
    public async Task An_object_is_read_part_by_part()
    {
        string id = await BeginAsync();
        await CompleteAsync(id, await UploadAsync(id, 3, First), await UploadAsync(id, 5, First), await UploadAsync(id, 9, Second));
        foreach ((int number, byte[] bytes, string range) in new[] { (1, First, "bytes 0-5242879/10486760"), (2, First, "bytes 5242880-10485759/10486760"), (3, Second, "bytes 10485760-10486759/10486760") })
        {
            foreach (string method in new[] { "GET", "HEAD" })
            {
                using HttpResponseMessage part = await SendAsync(method, $"main/k?partNumber={number}", null);
                Assert.Equal((HttpStatusCode.PartialContent, range, "3"), (part.StatusCode, part.Content.Headers.ContentRange!.ToString(), part.Headers.GetValues("x-amz-mp-parts-count").Single()));
                Assert.Equal(bytes.Length, part.Content.Headers.ContentLength);
                if (method == "GET") Assert.Equal(bytes, await part.Content.ReadAsByteArrayAsync());
            }
        }

        await AnswersAsync(416, "main/k?partNumber=4");
        await AnswersAsync(400, "main/k?partNumber=0");
        await AnswersAsync(400, "main/k?partNumber=10001");
        await AnswersAsync(400, "main/k?partNumber=x");
        await AnswersAsync(400, "main/k?partNumber=1", ("Range", "bytes=0-1"));
        await AnswersAsync(304, "main/k?partNumber=1", ("If-None-Match", $"\"{(await Running.Store.StatAsync(Key))!.ETag}\""));
        await AnswersAsync(412, "main/k?partNumber=1", ("If-Match", "\"other\""));
        await AnswersAsync(404, "main/missing?partNumber=1");

        // What was not uploaded in parts is one, and says nothing of a number of parts.
        await Client.PutObjectAsync(new PutObjectRequest { BucketName = "main", Key = "whole", ContentBody = "0123456789" });
        using HttpResponseMessage whole = await SendAsync("GET", "main/whole?partNumber=1", null);
        Assert.Equal((HttpStatusCode.PartialContent, "bytes 0-9/10", false), (whole.StatusCode, whole.Content.Headers.ContentRange!.ToString(), whole.Headers.Contains("x-amz-mp-parts-count")));
        await AnswersAsync(416, "main/whole?partNumber=2");
        await Client.PutObjectAsync(new PutObjectRequest { BucketName = "main", Key = "empty", ContentBody = "" });
        await AnswersAsync(200, "main/empty?partNumber=1");
    }

    [Fact]
    public async Task The_transfer_utility_uploads_copies_and_downloads()
    {
        string source = Path.Combine(Running.Folder, "source"), back = Path.Combine(Running.Folder, "back");
        byte[] bytes = RandomNumberGenerator.GetBytes((20 << 20) + 77);
        await File.WriteAllBytesAsync(source, bytes);
        using var transfer = new TransferUtility(Client);
        await transfer.UploadAsync(new TransferUtilityUploadRequest { BucketName = "main", Key = "k", FilePath = source, PartSize = 6 << 20 });
        Assert.EndsWith("-4", (await Running.Store.StatAsync(Key))!.ETag);
        await transfer.DownloadAsync(back, "main", "k");
        Assert.Equal(bytes, await File.ReadAllBytesAsync(back));
        await transfer.DownloadWithResponseAsync(new TransferUtilityDownloadRequest { BucketName = "main", Key = "k", FilePath = back + "2" });
        Assert.Equal(bytes, await File.ReadAllBytesAsync(back + "2"));
        await transfer.UploadAsync(new TransferUtilityUploadRequest { BucketName = "main", Key = "streamed", InputStream = new MemoryStream(bytes), PartSize = 5 << 20 });
        Assert.Equal(bytes, await Running.Store.GetBytesAsync(BlobKey.Parse("streamed")));

        string id = await BeginAsync();
        await UploadAsync(id, 1, Second);
        await transfer.AbortMultipartUploadsAsync("main", TimeProvider.System.GetUtcNow().UtcDateTime.AddDays(1));
        Assert.Empty((await Client.ListMultipartUploadsAsync("main")).MultipartUploads ?? []);
    }

    [Fact]
    public async Task Parts_are_listed_page_by_page()
    {
        string id = await BeginAsync();
        foreach (int number in new[] { 10_000, 1, 5 }) await UploadAsync(id, number, Second);
        var request = new ListPartsRequest { BucketName = "main", Key = "k", UploadId = id, MaxParts = 2 };
        ListPartsResponse page = await Client.ListPartsAsync(request);
        Assert.Equal((true, 5), (page.IsTruncated, page.NextPartNumberMarker));
        Assert.Equal([1, 5], page.Parts.Select(p => p.PartNumber!.Value));
        request.PartNumberMarker = page.NextPartNumberMarker.ToString();
        page = await Client.ListPartsAsync(request);
        Assert.Equal((false, 10_000), (page.IsTruncated, page.Parts.Single().PartNumber));
        Assert.Equal("strata", page.Owner.Id);
        await AnswersAsync(400, $"main/k?uploadId={id}&part-number-marker=x");
        await AnswersAsync(400, $"main/k?uploadId={id}&max-parts=-1");
    }

    [Fact]
    public async Task Uploads_are_listed_page_by_page_and_rolled_up()
    {
        var ids = new List<string>();
        foreach (string key in new[] { "a", "b/1", "b/2", "b/2", "b\U0010FFFF", "b/\U0010FFFF/x", "c ü" })
            ids.Add((await Client.InitiateMultipartUploadAsync("main", key)).UploadId);
        for (int limit = 1; limit <= 8; limit++)
        {
            Assert.Equal(["a", "b/1", "b/2", "b/2", "b/\U0010FFFF/x", "b\U0010FFFF", "c ü"], await ListAsync(limit, null, null));
            Assert.Equal(["a", "b/", "b\U0010FFFF", "c ü"], await ListAsync(limit, null, "/"));
            Assert.Equal(["b/1", "b/2", "b/2", "b/\U0010FFFF/"], await ListAsync(limit, "b/", "/"));
        }

        ListMultipartUploadsResponse behind = await Client.ListMultipartUploadsAsync(new ListMultipartUploadsRequest { BucketName = "main", KeyMarker = "b/2", UploadIdMarker = ids[2], MaxUploads = 1 });
        Assert.Equal(("b/2", ids[3]), (behind.MultipartUploads.Single().Key, behind.MultipartUploads.Single().UploadId));
        Assert.Contains("<Key>c%20%C3%BC</Key>", await Http.GetStringAsync("main?uploads&encoding-type=url"));
        Assert.Contains("<MaxUploads>0</MaxUploads><IsTruncated>false</IsTruncated>", await Http.GetStringAsync("main?uploads&max-uploads=0"));

        async Task<List<string>> ListAsync(int limit, string? prefix, string? delimiter)
        {
            var request = new ListMultipartUploadsRequest { BucketName = "main", MaxUploads = limit, Prefix = prefix, Delimiter = delimiter };
            var seen = new List<string>();
            ListMultipartUploadsResponse page;
            do
            {
                page = await Client.ListMultipartUploadsAsync(request);
                seen.AddRange((page.MultipartUploads ?? []).Select(u => u.Key));
                seen.AddRange(page.CommonPrefixes ?? []);
                (request.KeyMarker, request.UploadIdMarker) = (page.NextKeyMarker, page.NextUploadIdMarker);
                Assert.InRange(seen.Count, 0, 20);
            }
            while (page.IsTruncated == true);
            return [.. seen.OrderBy(k => BlobKey.Parse(k))];
        }
    }

    [Theory]
    [InlineData("PUT", "partNumber=0&uploadId=ID", "InvalidArgument")]
    [InlineData("PUT", "partNumber=10001&uploadId=ID", "InvalidArgument")]
    [InlineData("PUT", "partNumber=-1&uploadId=ID", "InvalidArgument")]
    [InlineData("PUT", "partNumber=1x&uploadId=ID", "InvalidArgument")]
    [InlineData("PUT", "uploadId=ID", "InvalidArgument")]
    [InlineData("PUT", "partNumber=1&uploadId=", "NoSuchUpload")]
    [InlineData("PUT", "partNumber=1&uploadId=../../x", "NoSuchUpload")]
    [InlineData("PUT", "partNumber=1&uploadId=%00", "NoSuchUpload")]
    [InlineData("GET", "uploadId=nothing", "NoSuchUpload")]
    [InlineData("DELETE", "uploadId=nothing", "NoSuchUpload")]
    [InlineData("POST", "uploadId=nothing", "NoSuchUpload")]
    [InlineData("GET", "uploadId=ID&encoding-type=base64", "InvalidArgument")]
    public async Task Bad_requests_are_refused(string method, string query, string code)
    {
        string id = await BeginAsync();
        byte[]? body = method == "POST" ? System.Text.Encoding.UTF8.GetBytes($"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{new string('0', 32)}</ETag></Part></CompleteMultipartUpload>") : method == "PUT" ? Second : null;
        using HttpResponseMessage answer = await SendAsync(method, "main/k?" + query.Replace("ID", id, StringComparison.Ordinal), body);
        Assert.Contains($"<Code>{code}</Code>", await answer.Content.ReadAsStringAsync());
    }

    public static TheoryData<string, string> Documents => new()
    {
        { "", "MalformedXML" },
        { "<CompleteMultipartUpload/>", "MalformedXML" },
        { "<CompleteMultipartUpload><Part/></CompleteMultipartUpload>", "MalformedXML" },
        { "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber></Part></CompleteMultipartUpload>", "MalformedXML" },
        { "<CompleteMultipartUpload><Other/></CompleteMultipartUpload>", "MalformedXML" },
        { "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>x</ETag><Unknown/></Part></CompleteMultipartUpload>", "MalformedXML" },
        { Complete("1", "1"), "InvalidPartOrder" },
        { Complete("2", "1"), "InvalidPartOrder" },
        { Complete("0"), "InvalidArgument" },
        { Complete("10001"), "InvalidArgument" },
        { Complete("99999999999999999999"), "InvalidArgument" },
        { Complete([.. Enumerable.Range(1, 10_000).Select(n => n.ToString(CultureInfo.InvariantCulture)), "10000"]), "MalformedXML" },
        { Complete([.. Enumerable.Range(1, 10_000).Select(n => n.ToString(CultureInfo.InvariantCulture))]), "InvalidPart" },
        { "<!DOCTYPE c [<!ENTITY e '1'>]><CompleteMultipartUpload><Part><PartNumber>&e;</PartNumber><ETag>x</ETag></Part></CompleteMultipartUpload>", "MalformedXML" },
        { string.Concat(Enumerable.Repeat("<CompleteMultipartUpload>", 100_000)), "MalformedXML" },
        { "<CompleteMultipartUpload>" + new string(' ', 5 << 20), "EntityTooLarge" },
    };

    [Theory]
    [MemberData(nameof(Documents))]
    public async Task A_list_of_parts_that_is_none_completes_nothing(string document, string code)
    {
        string id = await BeginAsync();
        await UploadAsync(id, 1, Second);
        using HttpResponseMessage answer = await SendAsync("POST", $"main/k?uploadId={id}", System.Text.Encoding.UTF8.GetBytes(document));
        Assert.Contains($"<Code>{code}</Code>", await answer.Content.ReadAsStringAsync());
        Assert.Null(await Running.Store.StatAsync(Key));
        Assert.Single((await Client.ListPartsAsync("main", "k", id)).Parts);
    }

    [Fact]
    public async Task A_part_whose_digest_differs_is_not_kept()
    {
        string id = await BeginAsync();
        using HttpResponseMessage md5 = await SendAsync("PUT", $"main/k?uploadId={id}&partNumber=1", Second, ("x-amz-checksum-crc32", "AAAAAA=="));
        Assert.Contains("<Code>BadDigest</Code>", await md5.Content.ReadAsStringAsync());
        Assert.Empty((await Client.ListPartsAsync("main", "k", id)).Parts ?? []);
        using HttpResponseMessage right = await SendAsync("PUT", $"main/k?uploadId={id}&partNumber=1", Second, ("x-amz-checksum-crc32", "tgSiTw=="));
        Assert.Equal("tgSiTw==", right.Headers.GetValues("x-amz-checksum-crc32").Single());
    }

    private static string Complete(params string[] numbers) =>
        $"<CompleteMultipartUpload>{string.Concat(numbers.Select(n => $"<Part><PartNumber>{n}</PartNumber><ETag>{new string('0', 32)}</ETag></Part>"))}</CompleteMultipartUpload>";

    private static byte[] Filled(char with, int length)
    {
        byte[] bytes = new byte[length];
        bytes.AsSpan().Fill((byte)with);
        return bytes;
    }

    private static string Between(string xml, string element) => xml.Split($"<{element}>")[1].Split("</")[0];

    private static async Task<byte[]> BytesAsync(GetObjectResponse read)
    {
        using var copy = new MemoryStream();
        await read.ResponseStream.CopyToAsync(copy);
        return copy.ToArray();
    }

    private static async Task FailsAsync(HttpStatusCode status, string code, Func<Task> call)
    {
        AmazonS3Exception error = await Assert.ThrowsAnyAsync<AmazonS3Exception>(call);
        Assert.Equal((status, code), (error.StatusCode, error.ErrorCode));
    }

    private async Task<string> BeginAsync() => (await Client.InitiateMultipartUploadAsync("main", "k")).UploadId;

    private async Task<PartETag> UploadAsync(string id, int number, byte[] bytes)
    {
        UploadPartResponse part = await Client.UploadPartAsync(
            new UploadPartRequest { BucketName = "main", Key = "k", UploadId = id, PartNumber = number, InputStream = new MemoryStream(bytes) });
        return new PartETag(part);
    }

    private Task<CompleteMultipartUploadResponse> CompleteAsync(string id, params PartETag[] parts) =>
        Client.CompleteMultipartUploadAsync(new CompleteMultipartUploadRequest { BucketName = "main", Key = "k", UploadId = id, PartETags = [.. parts] });

    private Task<HttpResponseMessage> CompleteAsync(string id, string parts, params (string Name, string Value)[] headers) =>
        SendAsync("POST", $"main/k?uploadId={id}", System.Text.Encoding.UTF8.GetBytes($"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>"), headers);

    private async Task AnswersAsync(int status, string path, params (string Name, string Value)[] headers)
    {
        using HttpResponseMessage answer = await SendAsync("GET", path, null, headers);
        Assert.Equal(status, (int)answer.StatusCode);
    }

    private async Task<HttpResponseMessage> SendAsync(string method, string path, byte[]? body, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path) { Content = body is null ? method == "POST" ? new ByteArrayContent([]) : null : new ByteArrayContent(body) };
        foreach ((string name, string value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        return await Http.SendAsync(request);
    }
}
