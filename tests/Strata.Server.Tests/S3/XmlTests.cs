using System.Net;
using System.Text;
using System.Xml;
using Xunit;

namespace Strata.Server.Tests;

/// <summary>Documents that mean to cost the server more than their sender.</summary>
public class XmlTests : ServerTests
{
    /// <summary>What reading a document may take for each of its bytes.</summary>
    private const int MostBytesABytes = 2;

    [Fact]
    public void Attributes_and_namespaces_without_end_take_no_memory_for_all_of_them()
    {
        foreach (string attribute in (string[])["a{0:x}='' ", "a{0:x}='>' ", "xmlns:a{0:x}='u' "])
            Measure($"<Delete {string.Concat(Enumerable.Range(0, 200_000).Select(i => string.Format(null, attribute, i)))}/>", Encoding.UTF8, ReadAll);
    }

    /// <summary>In UTF-16 the character U+3C00 has the byte of a '&lt;'.</summary>
    [Fact]
    public void Another_encoding_is_no_way_around() =>
        Measure($"<Delete {string.Concat(Enumerable.Range(0, 100_000).Select(i => $"a{i:x}='\u3c00' "))}/>", Encoding.Unicode, ReadAll);

    [Fact]
    public void Elements_in_elements_of_an_access_control_list_take_no_memory_for_all_of_them()
    {
        foreach (string start in (string[])["<AccessControlPolicy><_>", "<AccessControlPolicy><Owner>", "<AccessControlPolicy><AccessControlList><Grant><Grantee>"])
            Measure(start + string.Concat(Enumerable.Repeat("<a>", 300_000)), Encoding.UTF8, S3Acl.IsOwners);
    }

    [Fact]
    public async Task What_clients_send_is_read()
    {
        await Running.Store.PutBytesAsync(BlobKey.Parse("k"), new byte[1]);
        const string Owner = "<Owner><ID>strata</ID><DisplayName>strata</DisplayName></Owner>";
        const string Grants = "<AccessControlList><Grant><Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"CanonicalUser\"><ID>strata</ID></Grantee><Permission>FULL_CONTROL</Permission></Grant></AccessControlList>";
        Assert.Equal(HttpStatusCode.OK, await PutAsync($"\uFEFF<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<AccessControlPolicy xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{Owner}{Grants}</AccessControlPolicy>"));
        Assert.Equal(HttpStatusCode.BadRequest, await PutAsync($"<AccessControlPolicy>{Grants}<Else/></AccessControlPolicy>"));

        string key = string.Concat(Enumerable.Repeat("&#x000065;", BlobKey.MaxBytes));
        using HttpResponseMessage deleted = await Http.PostAsync("main?delete", new StringContent($"<Delete>{string.Concat(Enumerable.Repeat($"<Object><Key>{key}</Key></Object>", 20))}</Delete>"));
        Assert.Equal(HttpStatusCode.OK, deleted.StatusCode);
        using HttpResponseMessage invalid = await Http.PostAsync("main?delete", new ByteArrayContent([.. "<Delete><Object><Key>"u8, 0xff, .. "</Key></Object></Delete>"u8]));
        Assert.Equal(HttpStatusCode.BadRequest, invalid.StatusCode);
    }

    private async Task<HttpStatusCode> PutAsync(string document)
    {
        using HttpResponseMessage answer = await Http.PutAsync("main/k?acl", new ByteArrayContent(Encoding.UTF8.GetBytes(document)));
        return answer.StatusCode;
    }

    private static bool ReadAll(XmlReader reader)
    {
        while (reader.Read())
        {
        }

        return true;
    }

    private static void Measure(string document, Encoding encoding, Func<XmlReader, bool> parse)
    {
        byte[] bytes = encoding.GetBytes(document);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<XmlException>(() => S3XmlBody.Parse(bytes, bytes.Length, parse));
        long taken = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(taken < (long)MostBytesABytes * bytes.Length, $"A document of {bytes.Length} bytes that begins with {document[..40]} took {taken}.");
    }
}
