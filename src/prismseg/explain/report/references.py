"""Published work that an explanation rests on, as BibTeX."""

from __future__ import annotations

from collections.abc import Iterable

from prismseg.base.version import VERSION

# By what texts call it, which is the citation of map methods too: its key and entry.
_ENTRIES: dict[str, tuple[str, str, dict[str, str]]] = {}


def _add(citation: str, key: str, kind: str, **fields: str) -> None:
    _ENTRIES[citation] = (key, kind, fields)


_add(
    "Selvaraju et al. 2017", "selvaraju2017gradcam", "inproceedings",
    author="Selvaraju, Ramprasaath R. and Cogswell, Michael and Das, Abhishek and Vedantam, Ramakrishna and "
    "Parikh, Devi and Batra, Dhruv",
    title="{Grad-CAM}: Visual Explanations from Deep Networks via Gradient-Based Localization",
    booktitle="IEEE International Conference on Computer Vision (ICCV)", year="2017",
)  # fmt: skip
_add(
    "Chattopadhay et al. 2018", "chattopadhay2018gradcampp", "inproceedings",
    author="Chattopadhay, Aditya and Sarkar, Anirban and Howlader, Prantik and Balasubramanian, Vineeth N.",
    title="{Grad-CAM++}: Generalized Gradient-Based Visual Explanations for Deep Convolutional Networks",
    booktitle="IEEE Winter Conference on Applications of Computer Vision (WACV)", year="2018",
)  # fmt: skip
_add(
    "Jiang et al. 2021", "jiang2021layercam", "article",
    author="Jiang, Peng-Tao and Zhang, Chang-Bin and Hou, Qibin and Cheng, Ming-Ming and Wei, Yunchao",
    title="{LayerCAM}: Exploring Hierarchical Class Activation Maps for Localization",
    journal="IEEE Transactions on Image Processing", volume="30", pages="5875--5888", year="2021",
)  # fmt: skip
_add(
    "Draelos & Carin 2020", "draelos2020hirescam", "article",
    author="Draelos, Rachel Lea and Carin, Lawrence",
    title="Use {HiResCAM} instead of {Grad-CAM} for faithful explanations of convolutional neural networks",
    journal="arXiv:2011.08891", year="2020",
)  # fmt: skip
_add(
    "Fu et al. 2020", "fu2020xgradcam", "inproceedings",
    author="Fu, Ruigang and Hu, Qingyong and Dong, Xiaohu and Guo, Yulan and Gao, Yinghui and Li, Biao",
    title="Axiom-based {Grad-CAM}: Towards Accurate Visualization and Explanation of {CNNs}",
    booktitle="British Machine Vision Conference (BMVC)", year="2020",
)  # fmt: skip
_add(
    "Wang et al. 2020", "wang2020scorecam", "inproceedings",
    author="Wang, Haofan and Wang, Zifan and Du, Mengnan and Yang, Fan and Zhang, Zijian and Ding, Sirui and "
    "Mardziel, Piotr and Hu, Xia",
    title="{Score-CAM}: Score-Weighted Visual Explanations for Convolutional Neural Networks",
    booktitle="IEEE/CVF Conference on Computer Vision and Pattern Recognition Workshops", year="2020",
)  # fmt: skip
_add(
    "Muhammad & Yeasin 2020", "muhammad2020eigencam", "inproceedings",
    author="Muhammad, Mohammed Bany and Yeasin, Mohammed",
    title="{Eigen-CAM}: Class Activation Map using Principal Components",
    booktitle="International Joint Conference on Neural Networks (IJCNN)", year="2020",
)  # fmt: skip
_add(
    "Shrikumar et al. 2017", "shrikumar2017deeplift", "inproceedings",
    author="Shrikumar, Avanti and Greenside, Peyton and Kundaje, Anshul",
    title="Learning Important Features Through Propagating Activation Differences",
    booktitle="International Conference on Machine Learning (ICML)", year="2017",
)  # fmt: skip
_add(
    "Sundararajan et al. 2017", "sundararajan2017axiomatic", "inproceedings",
    author="Sundararajan, Mukund and Taly, Ankur and Yan, Qiqi",
    title="Axiomatic Attribution for Deep Networks",
    booktitle="International Conference on Machine Learning (ICML)", year="2017",
)  # fmt: skip
_add(
    "Zeiler & Fergus 2014", "zeiler2014visualizing", "inproceedings",
    author="Zeiler, Matthew D. and Fergus, Rob",
    title="Visualizing and Understanding Convolutional Networks",
    booktitle="European Conference on Computer Vision (ECCV)", year="2014",
)  # fmt: skip
_add(
    "Petsiuk et al. 2018", "petsiuk2018rise", "inproceedings",
    author="Petsiuk, Vitali and Das, Abir and Saenko, Kate",
    title="{RISE}: Randomized Input Sampling for Explanation of Black-box Models",
    booktitle="British Machine Vision Conference (BMVC)", year="2018",
)  # fmt: skip
_add(
    "Montavon et al. 2019", "montavon2019lrp", "incollection",
    author="Montavon, Gr{\\'e}goire and Binder, Alexander and Lapuschkin, Sebastian and Samek, Wojciech and "
    'M{\\"u}ller, Klaus-Robert',
    title="Layer-Wise Relevance Propagation: An Overview",
    booktitle="Explainable {AI}: Interpreting, Explaining and Visualizing Deep Learning", publisher="Springer",
    year="2019",
)  # fmt: skip
_add(
    "Abnar & Zuidema 2020", "abnar2020rollout", "inproceedings",
    author="Abnar, Samira and Zuidema, Willem",
    title="Quantifying Attention Flow in Transformers",
    booktitle="Annual Meeting of the Association for Computational Linguistics (ACL)", year="2020",
)  # fmt: skip
_add(
    "Adebayo et al. 2018", "adebayo2018sanity", "inproceedings",
    author="Adebayo, Julius and Gilmer, Justin and Muelly, Michael and Goodfellow, Ian and Hardt, Moritz and Kim, Been",
    title="Sanity Checks for Saliency Maps",
    booktitle="Advances in Neural Information Processing Systems", year="2018",
)  # fmt: skip
_add(
    "Arras et al. 2022", "arras2022clevrxai", "article",
    author="Arras, Leila and Osman, Ahmed and Samek, Wojciech",
    title="{CLEVR-XAI}: A benchmark dataset for the ground truth evaluation of neural network explanations",
    journal="Information Fusion", volume="81", pages="14--40", year="2022",
)  # fmt: skip
_add(
    "Rong et al. 2022", "rong2022road", "inproceedings",
    author="Rong, Yao and Leemann, Tobias and Borisov, Vadim and Kasneci, Gjergji and Kasneci, Enkelejda",
    title="A Consistent and Efficient Evaluation Strategy for Attribution Methods",
    booktitle="International Conference on Machine Learning (ICML)", year="2022",
)  # fmt: skip
_add(
    "Yeh et al. 2019", "yeh2019infidelity", "inproceedings",
    author="Yeh, Chih-Kuan and Hsieh, Cheng-Yu and Suggala, Arun Sai and Inouye, David I. and Ravikumar, Pradeep",
    title="On the (In)fidelity and Sensitivity of Explanations",
    booktitle="Advances in Neural Information Processing Systems", year="2019",
)  # fmt: skip
_add(
    "Hartigan 1969", "hartigan1969subsample", "article",
    author="Hartigan, John A.", title="Using Subsample Values as Typical Values",
    journal="Journal of the American Statistical Association", volume="64", pages="1303--1317", year="1969",
)  # fmt: skip
_add(
    f"prismseg {VERSION}", "prismseg", "misc",
    author="{The prismseg authors}", title="prismseg: semantic segmentation from scarce medical images",
    note=f"Version {VERSION}",
)  # fmt: skip


def reference_key(citation: str) -> str | None:
    """Find the BibTeX key of a citation such as "Selvaraju et al. 2017"; None where there is no entry.

    Examples
    --------
    >>> reference_key("Jiang et al. 2021"), reference_key("this page")
    ('jiang2021layercam', None)
    """
    return _ENTRIES[citation][0] if citation in _ENTRIES else None


def write_bibtex(citations: Iterable[str]) -> str:
    """Write the entries of citations, each once, in their order; those without an entry are left out.

    Examples
    --------
    >>> print(write_bibtex(["Hartigan 1969"]).splitlines()[0])
    @article{hartigan1969subsample,
    """
    parts = []
    for citation in dict.fromkeys(citations):
        if citation in _ENTRIES:
            key, kind, fields = _ENTRIES[citation]
            lines = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items())
            parts.append(f"@{kind}{{{key},\n{lines}\n}}\n")
    return "\n".join(parts)
