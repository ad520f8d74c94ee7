using System.Buffers.Text;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Xunit;

namespace Strata.Server.Tests;

/// <summary>The blob API under requests that the command line would never make; what it does make is in the conformance suite.</summary>
public sealed class BlobEndpointsTests : ServerTests
{
    private const string Main = "/_strata/v1/stores/main";

    [Theory]
    [InlineData("PATCH", "/blob?key=k", """{"changes":null}""")]
    [InlineData("PATCH", "/blob?key=k", """{"changes":{"set":null}}""")]
    [InlineData("PATCH", "/blob?key=k", """{"changes":{"set":["metadata"],"metadata":{"a":null}}}""")]
    [InlineData("PATCH", "/blob?key=k", """{}""")]
    [InlineData("PATCH", "/blob?key=k", "null")]
    [InlineData("POST", "/copy", """{"source":null,"target":"b"}""")]
    [InlineData("POST", "/copy", """{"source":"k"}""")]
    [InlineData("POST", "/delete", "[null]")]
    [InlineData("POST", "/delete", """{"a":1}""")]
    [InlineData("POST", "/delete", "[")]
    public async Task Json_that_lacks_what_it_must_hold_is_refused(string method, string path, string json)
    {
        await Running.Store.PutBytesAsync(BlobKey.Parse("k"), new byte[1]);
        using var request = new HttpRequestMessage(new HttpMethod(method), Main + path) { Content = new StringContent(json, Encoding.UTF8, "application/json") };
        await RefusedAsync(request, HttpStatusCode.BadRequest, "Argument");
    }

    [Theory]
    [InlineData("""{"asCopyOf":{"key":"k","length":1,"etag":null,"version":"0000000000000001"}}""")]
    [InlineData("""{"asCopyOf":{"key":"k","length":1,"etag":"e","version":"0000000000000001","metadata":null}}""")]
    [InlineData("""{"asCopyOf":{"key":"k","length":1,"etag":"e","version":null}}""")]
    [InlineData("""{"metadata":{"a":null}}""")]
    [InlineData("""{"condition":{"kind":"IfMatch"}}""")]
    [InlineData("""{"condition":{"kind":"IfOlder"}}""")]
    [InlineData("""{"condition":{"kind":99}}""")]
    public async Task Options_that_lack_what_they_must_hold_are_refused(string json)
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, Main + "/blob?key=k") { Content = new ByteArrayContent([1]) };
        request.Headers.Add(BlobWire.OptionsHeader, Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json)));
        await RefusedAsync(request, HttpStatusCode.BadRequest, "Argument");
        Assert.Null(await Running.Store.StatAsync(BlobKey.Parse("k")));
    }

    [Theory]
    [InlineData("PATCH", "/blob?key=k")]
    [InlineData("POST", "/copy")]
    [InlineData("POST", "/delete")]
    public async Task Json_without_end_is_refused(string method, string path)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), Main + path)
        {
            Content = new StringContent("[" + new string(' ', 20 << 20), Encoding.UTF8, "application/json"),
        };
        request.Headers.ExpectContinue = true;
        await RefusedAsync(request, HttpStatusCode.RequestEntityTooLarge, "TooLarge");
    }

    private async Task RefusedAsync(HttpRequestMessage request, HttpStatusCode status, string kind)
    {
        using HttpResponseMessage response = await Http.SendAsync(request);
        Assert.Equal(status, response.StatusCode);
        JsonElement error = await response.Content.ReadFromJsonAsync<JsonElement>();
        Assert.Equal(kind, error.GetProperty("kind").GetString());
    }
}
