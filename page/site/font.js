// In a Korean page: the site's own font, where none of the fonts that systems bring for Korean is installed. A browser
// then fetches those of its parts whose letters the page shows.
{
  const names = ["Apple SD Gothic Neo", "AppleSDGothicNeo-Regular", "Malgun Gothic", "MalgunGothic", "Noto Sans CJK KR",
    "Noto Sans CJK KR Regular", "NotoSansCJKkr-Regular", "Noto Sans KR", "NotoSansKR-Regular", "NanumGothic"];
  const href = new URL("ko.css", document.currentScript.src).href;
  const add = () => document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href }));
  new FontFace("installed", names.map((name) => `local("${name}")`).join()).load().catch(add);
}
