// The keys that seal cookies and what pages send back, kept in the ledger: every host on it opens what another one sealed.
using System.Text;
using System.Xml.Linq;
using Microsoft.AspNetCore.DataProtection.Repositories;
using Purser.Engine;

namespace Purser.Api.Pages;

/// <summary>Each key is a document of its own, so that hosts that start together add theirs beside each other.</summary>
sealed class SealKeys(ISharedState shared) : IXmlRepository
{
    const string prefix = "page-seal/";
    const int most = 1000;

    // The interface knows no tasks; it is asked some times a day.
    public IReadOnlyCollection<XElement> GetAllElements() => Task.Run(async () =>
        (IReadOnlyCollection<XElement>)[.. (await shared.ListAsync(prefix, "", most)).Select(one =>
            XElement.Parse(Encoding.UTF8.GetString(one.Document.Body.Span)))]).GetAwaiter().GetResult();

    public void StoreElement(XElement element, string friendlyName) => Task.Run(() => shared.SaveAsync(
        prefix + friendlyName, 0, Encoding.UTF8.GetBytes(element.ToString(SaveOptions.DisableFormatting)))).GetAwaiter().GetResult();
}
