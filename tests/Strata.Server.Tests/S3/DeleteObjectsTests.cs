using System.Net;
using System.Text;
using System.Xml.Linq;
using Xunit;

namespace Strata.Server.Tests;

public class DeleteObjectsTests : ServerTests
{
    private static readonly XNamespace S3 = "http://s3.amazonaws.com/doc/2006-03-01/";

    protected override StrataServerOptions Options => new() { MaxXmlBytes = 256 * 1024 };

    [Fact]
    public async Task Each_key_has_its_outcome()
    {
        await Running.Store.PutBytesAsync(BlobKey.Parse("a&b"), new byte[1]);
        XElement result = await DeleteAsync("<Delete><Object><Key>a&amp;b</Key></Object><Object><Key>../x</Key></Object><Object><Key>v</Key><VersionId>1</VersionId></Object></Delete>");
        Assert.Equal(["a&b"], result.Elements(S3 + "Deleted").Select(d => d.Element(S3 + "Key")!.Value));
        Assert.Equal(["InvalidArgument", "NotImplemented"], result.Elements(S3 + "Error").Select(e => e.Element(S3 + "Code")!.Value));
        Assert.Null(await Running.Store.StatAsync(BlobKey.Parse("a&b")));
    }

    [Fact]
    public async Task A_key_with_an_etag_is_deleted_only_as_that_state()
    {
        foreach (string key in new[] { "a", "b", "c" }) await Running.Store.PutBytesAsync(BlobKey.Parse(key), new byte[1], new WriteOptions { ETag = "e" + key });
        XElement result = await DeleteAsync(
            """
            <Delete>
              <Object><Key>a</Key><ETag>"ea"</ETag></Object><Object><Key>b</Key><ETag>other</ETag></Object>
              <Object><Key>c</Key><VersionId>null</VersionId></Object><Object><Key>d</Key><ETag>*</ETag></Object><Object><Key>e</Key><Size>1</Size></Object>
            </Delete>
            """);
        Assert.Equal(["a", "c"], result.Elements(S3 + "Deleted").Select(d => d.Element(S3 + "Key")!.Value));
        Assert.Equal(["b PreconditionFailed", "d PreconditionFailed", "e NotImplemented"], result.Elements(S3 + "Error").Select(e => $"{e.Element(S3 + "Key")!.Value} {e.Element(S3 + "Code")!.Value}"));
        Assert.Null(await Running.Store.StatAsync(BlobKey.Parse("a")));
        Assert.NotNull(await Running.Store.StatAsync(BlobKey.Parse("b")));
    }

    [Theory]
    [InlineData("If-Match: \"other\"", 412)]
    [InlineData("If-Match: \"e\"", 204)]
    [InlineData("If-Match: *", 204)]
    [InlineData("x-amz-if-match-size: 1", 501)]
    public async Task One_is_deleted_only_if_its_condition_holds(string header, int status)
    {
        await Running.Store.PutBytesAsync(BlobKey.Parse("k"), new byte[1], new WriteOptions { ETag = "e" });
        Assert.StartsWith($"HTTP/1.1 {status}", await RawConnection.SendAsync(Running.Server.Address, "DELETE /main/k", header + "\r\n"));
        Assert.Equal(status == 204, await Running.Store.StatAsync(BlobKey.Parse("k")) is null);
    }

    [Fact]
    public async Task Quiet_tells_only_what_failed()
    {
        XElement result = await DeleteAsync(
            """<?xml version="1.0"?><Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Quiet>true</Quiet><Object><Key>a</Key></Object><Object><Key>//</Key></Object></Delete>""");
        Assert.Equal("Error", Assert.Single(result.Elements()).Name.LocalName);
    }

    public static TheoryData<string> Malformed =>
    [
        "",
        "nonsense",
        "<Delete>",
        "<Delete></Delete>",
        "<Delete><Object/></Delete>",
        "<Delete><Object><Name>k</Name></Object></Delete>",
        "<Remove><Object><Key>k</Key></Object></Remove>",
        "<Delete><Object><Key>k</Key></Object><Other/></Delete>",
        "<Delete><Object><Key>a<b/></Key></Object></Delete>",
        "<!DOCTYPE d [<!ENTITY e 'k'>]><Delete><Object><Key>&e;</Key></Object></Delete>",
        "<Delete>" + string.Concat(Enumerable.Repeat("<Object><Key>k</Key></Object>", 1001)) + "</Delete>",
    ];

    [Theory]
    [MemberData(nameof(Malformed))]
    public async Task Malformed_xml_deletes_nothing(string xml)
    {
        await Running.Store.PutBytesAsync(BlobKey.Parse("k"), new byte[1]);
        using HttpResponseMessage answer = await PostAsync(xml);
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Contains("<Code>MalformedXML</Code>", await answer.Content.ReadAsStringAsync());
        Assert.NotNull(await Running.Store.StatAsync(BlobKey.Parse("k")));
    }

    [Fact]
    public async Task Too_much_xml_is_refused()
    {
        using HttpResponseMessage answer = await PostAsync($"<Delete><!--{new string('x', 300_000)}--></Delete>");
        Assert.Contains("<Code>EntityTooLarge</Code>", await answer.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task A_body_that_was_announced_and_does_not_come_takes_no_memory()
    {
        const int Connections = 200;
        await using RunningServer server = await RunningServer.StartAsync(new StrataServerOptions { MaxUploadsPerClient = Connections });
        int announced = new StrataServerOptions().MaxXmlBytes;
        var stalled = new List<RawConnection>();
        long before = GC.GetTotalMemory(forceFullCollection: true);
        try
        {
            for (int i = 0; i < Connections; i++)
            {
                RawConnection connection = await RawConnection.OpenAsync(server.Server.Address);
                stalled.Add(connection);
                await connection.WriteAsync($"POST /main?delete HTTP/1.1\r\nHost: {connection.Authority}\r\nExpect: 100-continue\r\nContent-Length: {announced}\r\n\r\n");
                await connection.ReadUntilAsync("100 Continue");
            }

            Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, Connections * announced / 4L);
        }
        finally
        {
            stalled.ForEach(c => c.Dispose());
        }
    }

    private async Task<XElement> DeleteAsync(string xml)
    {
        using HttpResponseMessage answer = await PostAsync(xml);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return XElement.Parse(await answer.Content.ReadAsStringAsync());
    }

    private async Task<HttpResponseMessage> PostAsync(string xml)
    {
        using var content = new StringContent(xml, Encoding.UTF8, "application/xml");
        return await Http.PostAsync("main?delete", content);
    }
}
