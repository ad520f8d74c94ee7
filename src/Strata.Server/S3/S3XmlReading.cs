using System.Xml;

namespace Strata.Server;

/// <summary>Walks through the elements of a request's document.</summary>
internal static class S3XmlReading
{
    /// <summary>Reads a document of this root to its end.</summary>
    /// <param name="reader">At its start.</param>
    /// <param name="root">Name of the root element.</param>
    /// <param name="child">Called at the start of each child with its name; must read past its end.</param>
    /// <exception cref="XmlException">The root is another one, or the document is not well-formed.</exception>
    public static void ReadDocument(this XmlReader reader, string root, Action<string> child)
    {
        if (reader.MoveToContent() != XmlNodeType.Element || reader.LocalName != root) throw new XmlException();
        reader.ReadChildren(child);
        if (reader.MoveToContent() != XmlNodeType.None) throw new XmlException();
    }

    /// <summary>Reads the children of the element that the reader is at, and past its end.</summary>
    /// <param name="reader">At the start of the element.</param>
    /// <param name="child">Called at the start of each child with its name; must read past its end.</param>
    /// <exception cref="XmlException">There is a text between the children.</exception>
    public static void ReadChildren(this XmlReader reader, Action<string> child)
    {
        bool isEmpty = reader.IsEmptyElement;
        reader.ReadStartElement();
        if (isEmpty) return;
        while (reader.MoveToContent() == XmlNodeType.Element) child(reader.LocalName);
        reader.ReadEndElement();
    }
}
